/** What the emulated cloud asks of the machines behind its servers. The cloud decides; a backend only runs machines. */

export type MachineRequest = {
  readonly serverId: string;
  readonly name: string;
  /** What to boot: the image's `machineRef`, else its id. */
  readonly imageRef: string;
  /** What was uploaded for the image; absent: it is a snapshot, or one of the backend's own. */
  readonly upload?: ImageUpload;
  /** OpenSSH public keys that may log in. */
  readonly publicKeys: readonly string[];
  /** Base64, as the client sent it to Nova; not checked. */
  readonly userData: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
};

export type Machine = {
  /** IPv4 address at which the machine answers. */
  readonly address: string;
};

export type MachineStatus = 'running' | 'stopped' | 'missing';

export type KnownServer = {
  readonly serverId: string;
  /** Undefined: the server had not become ACTIVE yet. */
  readonly address: string | undefined;
};

/** A saved image. */
export type SavedImage = {
  readonly sizeBytes: number;
};

/** Data of an image that somebody uploaded. */
export type ImageUpload = {
  /** Path of a file with the data; it is removed when the image is deleted. */
  readonly file: string;
  /** Glance's `disk_format`: raw, qcow2, … */
  readonly diskFormat: string;
  /** Hex digest of the data. */
  readonly digest: string;
};

export type FloatingAddress = {
  readonly serverId: string;
  readonly address: string;
};

/** Runs machines for the emulated Nova. Every call may be repeated: after a crash the cloud asks again. */
export interface MachineBackend {
  /**
   * Told once, at start, which servers the cloud knows; machines of other servers are leftovers and may be removed.
   * Gives the status of each known one.
   */
  adopt(known: readonly KnownServer[]): Promise<ReadonlyMap<string, MachineStatus>>;
  /**
   * Creates and boots a machine; one that exists already is booted and kept. The first from an upload makes that bootable.
   * @throws the machine cannot be made; the server goes to ERROR with the error's message
   */
  start(request: MachineRequest, signal: AbortSignal): Promise<Machine>;
  /** Ends and removes a machine. A missing one is success. */
  delete(serverId: string): Promise<void>;
  reboot(serverId: string, type: 'SOFT' | 'HARD'): Promise<void>;
  stop(serverId: string): Promise<void>;
  /** Boots a stopped machine again, at the same address. */
  powerOn(serverId: string): Promise<void>;
  status(serverId: string): Promise<MachineStatus>;
  /** The console's text, all of it. */
  console(serverId: string): Promise<string>;
  /** Saves the machine's disk under `imageId`, bootable by `start`. */
  snapshot(serverId: string, imageId: string): Promise<SavedImage>;
  /** Removes what `snapshot` made, or the first `start` from an upload. A missing one is success. */
  deleteImage(imageId: string): Promise<void>;
  /** Makes the machine answer at a further address. */
  attachAddress(floating: FloatingAddress): Promise<void>;
  /** Undoes `attachAddress`. A missing one is success. */
  detachAddress(address: string): Promise<void>;
}
