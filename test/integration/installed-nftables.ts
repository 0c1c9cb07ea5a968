/** The table of services as a planner and nft make it, in a network namespace. */
import { nftApply, nftListText } from '@tenet/host';
import { NftablesPlanner, type ProxiedPort, type ProxyNode } from '@tenet/proxy';

export class InstalledNftables {
  readonly namespace: string;
  readonly planner: NftablesPlanner;

  constructor(namespace: string, node: ProxyNode) {
    this.namespace = namespace;
    this.planner = new NftablesPlanner({ node });
    this.planner.observe('');
  }

  /** Applies what is planned; how many pieces. */
  async sync(ports: ReadonlyMap<string, ProxiedPort>): Promise<number> {
    const pieces = this.planner.plan(ports);
    for (const piece of pieces) {
      await this.run(piece.text);
      this.planner.applied(piece);
    }
    return pieces.length;
  }

  /** One transaction. */
  async run(text: string): Promise<void> {
    await nftApply(text, { namespace: this.namespace });
  }

  async list(): Promise<string> {
    return await nftListText({ what: 'table ip tenet', namespace: this.namespace, deadlineMs: 60_000 });
  }
}
