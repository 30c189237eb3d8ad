/** Provider: what workflows need of clouds and of the machines in them. Interfaces and errors only. */
import type { Secret } from '../runtime/secret.ts';

/** How to log in: a private key file on this host, a private key in memory, or a password. */
export type Credential =
  | { readonly kind: 'key-file'; readonly path: string }
  | { readonly kind: 'key'; readonly privateKey: Secret }
  | { readonly kind: 'password'; readonly password: Secret };

/** Where and as whom to log in. */
export type Login = {
  readonly host: string;
  /** Default 22. */
  readonly port?: number;
  readonly username: string;
  /** Tried in turn. */
  readonly credentials: readonly Credential[];
  /** `sha256:BASE64` of the host key seen at the first contact; undefined: this is the first contact, any key is accepted. */
  readonly hostKey?: string;
};

export type RunOptions = {
  /** Names the command in errors and on the task board, e.g. `ready script ready.sh`. */
  readonly name: string;
  readonly timeoutMs: number;
  /** Each line of standard output and standard error, without its end; long lines are cut. */
  readonly onLine?: (line: string) => void;
  /** Whether to ask for a terminal (upstream does for scripts). Default false. */
  readonly pty?: boolean;
};

/** How a command ended. `status` is undefined where a signal ended it. */
export type RunResult = {
  readonly status: number | undefined;
  readonly signal: string | undefined;
  /** The last lines of the output, at most 4 KiB: for error messages. */
  readonly tail: string;
};

/** An open connection to one machine, closed by disposing it. */
export interface RemoteSession extends AsyncDisposable {
  readonly username: string;
  /** `sha256:BASE64` of the key that the machine showed. */
  readonly hostKey: string;
  /**
   * Runs a shell command and waits for its end; a non-zero status is a result, not an error.
   * @throws {RemoteError} the connection broke
   * @throws {DeadlineExceededError} it ran longer than `timeoutMs`; it is then cut off
   */
  run(command: string, options: RunOptions, signal: AbortSignal): Promise<RunResult>;
  /** Writes a file over SFTP, never through a link. `mode` e.g. 0o644; undefined: the account's umask decides. */
  writeFile(
    path: string,
    content: string | Uint8Array,
    options: { readonly mode?: number },
    signal: AbortSignal,
  ): Promise<void>;
  /** Copies the regular files of a local folder (not its subfolders) with their modes into `remote`, which is made. */
  copyFolder(local: string, remote: string, signal: AbortSignal): Promise<void>;
}

export type OpenOptions = {
  /** Users to try in turn on refusal; the first is `login.username`. */
  readonly otherUsernames?: readonly string[];
  /** Keeps trying until then: machines refuse, reset and reject while they boot. */
  readonly timeoutMs: number;
  /** Time for each of `otherUsernames` once the machine answers. Default 10 s. */
  readonly otherTimeoutMs?: number;
};

/** Opens sessions on machines (adapter: src/ssh). */
export interface RemoteMachines {
  /**
   * Connects, logs in and proves the login by `echo access okay`.
   * @throws {RemoteError} a fault that retrying cannot mend: host key changed, unreadable private key
   * @throws {DeadlineExceededError} no login until `timeoutMs`; `cause` is the last try's error
   */
  open(login: Login, options: OpenOptions, signal: AbortSignal): Promise<RemoteSession>;
}

/** Why a machine could not be used: `authentication` (login refused), `host-key` (it changed), `key` (ours is unusable), `connection`, `file` (one there cannot be written). */
export type RemoteFault = 'authentication' | 'host-key' | 'key' | 'connection' | 'file';

export class RemoteError extends Error {
  override readonly name = 'RemoteError';
  readonly fault: RemoteFault;

  constructor(fault: RemoteFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
  }
}

/** An RSA key pair for the machines of one node: PEM `BEGIN RSA PRIVATE KEY`, and `ssh-rsa BASE64` without comment. */
export type KeyPair = {
  readonly privateKey: Secret;
  readonly publicKey: string;
};

/** Makes key pairs; one costs about 80 ms of a processor, so it is ordered before it is needed (adapter: src/ssh). */
export interface KeyPairs {
  order(): KeyPairOrder;
}

/** A key pair that is being made. Dispose of it, taken or not. */
export interface KeyPairOrder extends Disposable {
  /** The pair, once it is made. */
  take(signal: AbortSignal): Promise<KeyPair>;
}

/** Quotes a text as one word of a POSIX shell. */
export type QuoteForShell = (text: string) => string;
