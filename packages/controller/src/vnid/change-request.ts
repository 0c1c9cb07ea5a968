/** What the change-network annotation asks for, once. */
export type ChangeRequest =
  | { readonly kind: 'global' }
  | { readonly kind: 'isolate' }
  | { readonly kind: 'join'; readonly target: string };

/** Reads `global`, `isolate` or `join:<project>`, as `oc adm pod-network` writes them; undefined for all else. */
export function parseChangeRequest(text: string): ChangeRequest | undefined {
  if (text === 'global' || text === 'isolate') return { kind: text };
  const [verb, target, ...rest] = text.split(':');
  return verb === 'join' && target !== undefined && target !== '' && rest.length === 0
    ? { kind: 'join', target }
    : undefined;
}
