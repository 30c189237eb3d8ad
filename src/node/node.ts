import type { NodeState } from './lifecycle.ts';

/**
 * How far a launch has come, stored before the step begins, so that a restart resumes it (design: desired state).
 * A node found in `ready-script` after a restart is deleted: scripts are not idempotent.
 */
export const LAUNCH_STEPS = ['create-server', 'wait-active', 'wait-ssh', 'write-files', 'ready-script'] as const;
export type LaunchStep = (typeof LAUNCH_STEPS)[number];

/** One row of table `node`. */
export type Node = {
  readonly id: number;
  /** Rises with every change of the row: what compare-and-set compares. */
  readonly version: number;
  readonly provider: string;
  readonly label: string;
  readonly target: string;
  readonly state: NodeState;
  readonly stateChangedAt: Date;
  /** Zuul launcher that took the node (assign-via-gearman). */
  readonly manager?: string;
  /** The server's name; known from the start of the launch. */
  readonly hostname?: string;
  /** The agent's name in Jenkins: `hostname` up to its first dot. */
  readonly nodename?: string;
  /** The server's id in the cloud, once known. */
  readonly externalId?: string;
  readonly az?: string;
  readonly ip?: string;
  readonly privateIp?: string;
  readonly comment?: string;
  readonly step?: LaunchStep;
  readonly stepStartedAt?: Date;
  /** UUID written into the server's metadata by the create call: finds a server whose id we never heard. */
  readonly attempt?: string;
  /** Row id of the snapshot image it was launched from. */
  readonly imageId?: number;
  /** Row id of the image that this node tries before it is ready: the node is launched for nothing else, and never `ready`. */
  readonly smokeImageId?: number;
  /** `sha256:BASE64` of the machine's host key, from the first contact. */
  readonly hostKey?: string;
  /** When the agent was registered in Jenkins; absent: not yet, or no Jenkins. */
  readonly registeredAt?: Date;
  /** In state `delete`: an operator asked for it, so the guard lets it pass though a build runs. */
  readonly forced?: boolean;
  /** In state `delete`: deletion does not begin before (delete-delay). */
  readonly deleteAfter?: Date;
};

/** What a change of state may store besides. */
export type NodeFacts = Partial<
  Pick<
    Node,
    | 'manager'
    | 'hostname'
    | 'nodename'
    | 'externalId'
    | 'az'
    | 'ip'
    | 'privateIp'
    | 'comment'
    | 'step'
    | 'stepStartedAt'
    | 'attempt'
    | 'imageId'
    | 'hostKey'
    | 'registeredAt'
    | 'forced'
    | 'deleteAfter'
  >
>;

export type NewNode = Pick<Node, 'provider' | 'label' | 'target' | 'smokeImageId'>;
