/**
 * Keeps an activity from work that is not its installation's, and from a store that is not the one that the work began with: below a mount
 * that is missing lies an empty folder, in which nothing was ever sent. What is refused is left to whoever it belongs to.
 */
import type { FileWork } from '../src/domain/contracts.ts';
import { readDeliveryRecord } from '../src/store/delivery-record.ts';
import { readStagedFile } from '../src/store/staged-file.ts';
import type { Store } from '../src/store/store.ts';
import { otherInstallationFailure, tellingTemporal } from './failures.ts';

export interface OwnWorkDependencies {
  readonly store: Store;
  readonly ownStore: { readonly installation: string; confirm(): Promise<void> };
  scope(): { readonly attempt: number };
}

type Work = FileWork & { readonly endpoint?: string };
type Activity<Input, Output> = (input: Input) => Promise<Output>;

/** Makes activities that check first. */
export function createOwnWork(dependencies: OwnWorkDependencies) {
  const { ownStore, scope } = dependencies;
  const own = ownStore.installation;

  const check = async (input: Work): Promise<void> => {
    const { installation } = input;
    if (installation !== undefined && installation !== own) {
      throw otherInstallationFailure(
        `this work belongs to installation ${installation}, and this worker to installation ${own}`,
      );
    }
    const known = await tellingTemporal(scope().attempt, async () => {
      await ownStore.confirm();
      return installation !== undefined || isKnown(dependencies.store, input);
    });
    if (known) return;
    throw otherInstallationFailure(
      `the store of installation ${own} knows nothing of this file: it belongs to another home`,
    );
  };

  return <Input extends Work, Output>(activity: Activity<Input, Output>): Activity<Input, Output> =>
    async (input) => {
      await check(input);
      return activity(input);
    };
}

/** Deliveries of earlier builds do not say whose they are. */
async function isKnown(store: Store, { sha256, endpoint }: Work): Promise<boolean> {
  const found =
    endpoint === undefined
      ? await readStagedFile(store, sha256)
      : await readDeliveryRecord(store, { sha256, endpoint });
  return found !== undefined;
}
