/**
 * An installation of wds on a host: its store with its identity, and the process in which people type their commands. A site has one, or two
 * that share a Temporal namespace.
 */
import type { Client } from '@temporalio/client';
import type { GovernorConfig } from '../../src/domain/governor/contract.ts';
import { OwnStore } from '../../src/store/installation-identity.ts';
import { EndpointOwners } from '../../src/temporal/endpoint-owners.ts';
import { FileDeliveries } from '../../src/temporal/file-deliveries.ts';
import { Host } from './disk.ts';
import { Bucket } from './sim-objects.ts';
import type { SimProcess } from './sim-process.ts';
import type { SimStore } from './sim-store.ts';
import { ENDPOINT } from './wiring.ts';

const GOVERNOR: GovernorConfig = { rate: 'unlimited', batchSize: 1 };

export interface Shell {
  readonly process: SimProcess;
  readonly store: SimStore;
  readonly client: Client;
}

export class Home {
  readonly installation: string;
  readonly host: Host;
  readonly bucket = new Bucket();
  #shell: Shell | undefined;
  #owners: EndpointOwners | undefined;
  #deliveries: FileDeliveries | undefined;

  /** `number`: from 1. */
  constructor(number: number) {
    this.installation = String(number).padStart(12, '0');
    this.host = new Host(`host-${number}`);
    this.host.disk.put('installation.json', Buffer.from(`${JSON.stringify({ id: this.installation })}\n`));
  }

  ownStore(store: SimStore): OwnStore {
    return new OwnStore(store, this.installation, this.host.name);
  }

  /** What its people work with; set once. */
  open(shell: Shell): void {
    const { store, client } = shell;
    const ownStore = this.ownStore(store);
    const owners = new EndpointOwners(client, this.installation, this.host.name);
    this.#shell = shell;
    this.#owners = owners;
    this.#deliveries = new FileDeliveries({ client, store, ownStore, owners, searchAttributes: false });
  }

  get shell(): Shell {
    return this.#shell!;
  }

  get deliveries(): FileDeliveries {
    return this.#deliveries!;
  }

  /** As each process does that is going to submit something. */
  claimEndpoint(): Promise<void> {
    return this.#owners!.claim(ENDPOINT, GOVERNOR);
  }
}
