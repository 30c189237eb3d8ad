import type { LaunchOutcome, NodeMetrics } from '../../src/node/node-metrics.ts';
import type { Node } from '../../src/node/node.ts';

/** Keeps what the workflows report. */
export class RecordingMetrics implements NodeMetrics {
  readonly launches: { readonly node: number; readonly outcome: LaunchOutcome; readonly ms: number }[] = [];
  readonly deletions: { readonly node: number; readonly image: string | undefined; readonly ms: number }[] = [];
  readonly jobs: { readonly node: number; readonly name: string; readonly ms: number }[] = [];
  readonly images: string[] = [];
  /** The last look at each provider. */
  readonly leaks = new Map<string, { readonly servers: number; readonly ports: number }>();

  launchEnded(node: Node, { outcome, ms }: { readonly outcome: LaunchOutcome; readonly ms: number }): void {
    this.launches.push({ node: node.id, outcome, ms });
  }

  nodeDeleted(node: Node, { image, ms }: { readonly image: string | undefined; readonly ms: number }): void {
    this.deletions.push({ node: node.id, image, ms });
  }

  jobSucceeded(node: Node, { name, ms }: { readonly name: string; readonly ms: number }): void {
    this.jobs.push({ node: node.id, name, ms });
  }

  leaksSeen(provider: string, leaked: { readonly servers: number; readonly ports: number }): void {
    this.leaks.set(provider, leaked);
  }

  imageUpdated({ image }: { readonly image: string }): void {
    this.images.push(image);
  }
}
