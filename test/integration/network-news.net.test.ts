/** The kernel tells of changes of links, addresses and routes, and of nothing else. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createNamespace, deleteNamespace, inNamespace, Netlink, NetworkNews } from '@tenet/host';
import { Ip, Prefix } from '@tenet/std';

const NAMESPACE = `/run/netns/tenet-news-${process.pid}`;
let netlink: Netlink;
let news: NetworkNews;

before(() => {
  createNamespace(NAMESPACE);
  netlink = Netlink.open(NAMESPACE);
  netlink.addVeth({ name: 'one', peer: { name: 'two' } });
  netlink.changeLink('one', { up: true });
  netlink.changeLink('two', { up: true });
  news = inNamespace(NAMESPACE, () => NetworkNews.open());
});
after(() => {
  news[Symbol.dispose]();
  netlink[Symbol.dispose]();
  deleteNamespace(NAMESPACE);
});

const address = { link: 'one', address: Ip.parse('192.0.2.1'), prefixLength: 24 };
const CHANGES: readonly { readonly name: string; readonly make: () => unknown; readonly isNews: boolean }[] = [
  { name: 'nothing', make: () => undefined, isNews: false },
  { name: 'reading the links', make: () => netlink.links(), isNews: false },
  { name: 'an address', make: () => netlink.addAddress(address), isNews: true },
  { name: 'the same address again', make: () => netlink.addAddress(address), isNews: false },
  {
    name: 'a route',
    make: () => netlink.replaceRoute({ destination: Prefix.parse('198.51.100.0/24'), link: 'one', scope: 'link' }),
    isNews: true,
  },
  { name: 'a link set down', make: () => netlink.changeLink('one', { up: false }), isNews: true },
  { name: 'an MTU', make: () => netlink.changeLink('two', { mtu: 1400 }), isNews: true },
  { name: 'a link deleted', make: () => netlink.deleteLink('one'), isNews: true },
  {
    name: 'more changes than the socket keeps',
    make() {
      for (let times = 0; times < 2_000; times++) netlink.changeLink('lo', { mtu: 1500 + (times % 2) });
    },
    isNews: true,
  },
];
for (const { name, make, isNews } of CHANGES) {
  test(`${name} is ${isNews ? 'news, once' : 'no news'}`, () => {
    // What the change before brought with it, such as a carrier that comes up, may be told late.
    while (news.take());
    make();
    assert.equal(news.take(), isNews);
    assert.equal(news.take(), false);
  });
}
