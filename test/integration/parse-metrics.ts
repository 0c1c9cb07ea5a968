import assert from 'node:assert/strict';

/** One family of the Prometheus text format. */
interface Family {
  readonly type: string;
  readonly help: string;
  /** Value by series, as it is written: `name{label="value"}`. */
  readonly series: ReadonlyMap<string, number>;
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"`;
const HELP_LINE = new RegExp(`^# HELP (${NAME}) (.+)$`);
const TYPE_LINE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram|summary|untyped)$`);
const SAMPLE_LINE = new RegExp(
  `^((${NAME})(?:\\{(?:${LABEL}(?:,${LABEL})*)?\\})?) ([Nn]a[Nn]|[+-]Inf|-?[0-9][0-9.eE+-]*)$`,
);
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};

/**
 * Reads the Prometheus text exposition format, version 0.0.4, and asserts that it keeps its rules: each family once and
 * described before its samples, no series twice, buckets that never shrink and end with the count. Values are what Go's
 * ParseFloat takes, for which NaN may be written `Nan`, as the library does for a mean of nothing.
 */
export function parseMetrics(text: string): ReadonlyMap<string, Family> {
  assert.ok(text.endsWith('\n'), 'the last line ends with a line feed');
  const families = new Map<string, { type: string; help: string; series: Map<string, number> }>();
  let help: { name: string; text: string } | undefined;
  let family: { name: string; type: string; series: Map<string, number> } | undefined;
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const [, helpName, helpText] = HELP_LINE.exec(line) ?? [];
    const [, typeName, type] = TYPE_LINE.exec(line) ?? [];
    const [, series, sampleName, value] = SAMPLE_LINE.exec(line) ?? [];
    if (helpName !== undefined && helpText !== undefined) {
      help = { name: helpName, text: helpText };
    } else if (typeName !== undefined && type !== undefined) {
      assert.equal(help?.name, typeName, `help before type: ${line}`);
      assert.ok(!families.has(typeName), `once: ${line}`);
      family = { name: typeName, type, series: new Map() };
      families.set(typeName, { ...family, help: help?.text ?? '' });
    } else if (series !== undefined && sampleName !== undefined) {
      const suffixes = SUFFIXES[family?.type ?? ''] ?? [''];
      assert.ok(
        suffixes.some((suffix) => sampleName === `${family?.name}${suffix}`),
        `in its family: ${line}`,
      );
      assert.ok(!family?.series.has(series), `no series twice: ${line}`);
      family?.series.set(series, Number(value?.replace('Inf', 'Infinity')));
    } else assert.fail(`not the text format: ${line}`);
  }
  for (const [name, { type, series }] of families) if (type === 'histogram') checkHistogram(name, series);
  return families;
}

function checkHistogram(name: string, series: ReadonlyMap<string, number>): void {
  const last = new Map<string, number>();
  for (const [key, value] of series) {
    if (!key.startsWith(`${name}_bucket`)) continue;
    const labels = withoutBound(key.slice(`${name}_bucket`.length));
    assert.ok(value >= (last.get(labels) ?? 0), `buckets never shrink: ${key}`);
    last.set(labels, value);
  }
  for (const [labels, value] of last) assert.equal(series.get(`${name}_count${labels}`), value, `${name}${labels}`);
}

/** The labels of a bucket but `le`. */
function withoutBound(labels: string): string {
  const inside = labels
    .slice(1, -1)
    .split(',')
    .filter((label) => !label.startsWith('le="'));
  return inside.length === 0 ? '' : `{${inside.join(',')}}`;
}
