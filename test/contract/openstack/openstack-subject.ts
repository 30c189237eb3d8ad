/** An OpenStack that the contract is tried on: the farm's emulator, or a real one. */

export type SubjectKind = 'emulator' | 'real';

export type ServiceOrigins = {
  readonly identity: string;
  readonly compute: string;
  readonly image: string;
  readonly network: string;
};

export type SubjectQuota = Partial<
  Record<'instances' | 'cores' | 'ramMib' | 'keyPairs' | 'floatingIps' | 'ports', number>
>;

/** What the next requests of a kind run into. A real cloud's hypervisor must be able to do the same. */
export type SubjectFault =
  | { readonly on: 'build'; readonly message: string; readonly by: 'abort' | 'reschedule' }
  | { readonly on: 'delete'; readonly message: string }
  | { readonly on: 'snapshot' };

export type SubjectOptions = {
  /** Has a flavor `huge` too, which fits no host. */
  readonly hasHugeFlavor?: boolean;
};

export type OpenStackSubject = {
  /** For facts that hold on one kind only: see `onlyOn`. */
  readonly kind: SubjectKind;
  /** Base URLs without a path. */
  readonly origins: ServiceOrigins;
  readonly userName: string;
  readonly password: string;
  readonly projectName: string;
  /** Lets time pass: the emulator's clock is moved, a real cloud is waited for. */
  readonly pass: (ms: number) => Promise<void>;
  /** Sets limits of the project; what is not named goes back to what it was at first. */
  readonly setQuota: (quota: SubjectQuota) => Promise<void>;
  /** Strikes once, at the next request that it fits. */
  readonly failNext: (fault: SubjectFault) => Promise<void>;
  readonly close: () => Promise<void>;
};
