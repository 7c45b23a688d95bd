/** Who is not to be alerted: the list that the configuration names for all that this process sends, and the one that a file was submitted with. */
import type { Settings } from '../config/settings.ts';
import type { Suppressed } from '../formats/suppression-list.ts';
import { SuppressionLists } from '../formats/suppression-list.ts';
import type { AppContext } from './app.ts';

export class Suppression {
  readonly #settings: Settings;
  readonly #lists: SuppressionLists;

  constructor({ settings, logger }: Pick<AppContext, 'settings' | 'logger'>) {
    this.#settings = settings;
    this.#lists = new SuppressionLists({
      onRead: (file, users) => {
        const fields = { event: 'suppression_list', file, users };
        if (users > 0) logger.info(fields, `suppression list ${file}: ${users} users are not alerted`);
        else logger.warn(fields, `suppression list ${file} is empty: nobody is on it`);
      },
    });
  }

  /** For workers: undefined where there is no list at all. Throws Fault `config` where nobody can tell who is on one. */
  readonly suppressed = (file: string | undefined): Promise<Suppressed | undefined> =>
    this.#lists.of([this.#settings.suppressFile, file].filter((path) => path !== undefined));

  /** Throws where what this process submits or sends could not be sent for want of a list: whoever starts it should know at once. */
  async check(): Promise<void> {
    await this.suppressed(this.#settings.statedDelivery.suppressFile);
  }
}
