/** Runs test files and counts what became of their tests, so that nothing that goes wrong in one is counted as well. */
import process from 'node:process';
import { run } from 'node:test';

/** How files of one kind are run. */
export interface RunOptions {
  readonly root: string;
  /** Unit tests are pure and share one process; those with namespaces get one each, so that a leak dies with it. */
  readonly isolation: 'none' | 'process';
  readonly timeoutMs: number;
  /** Prints a line for each test that passes, too. */
  readonly isWordy?: boolean;
}

/** They wait more than they compute: two at a time left half of two CPUs idle. */
const FILES_AT_ONCE = 3;

/** Counts passed and failed tests, and the files that ran none. */
export class Tally {
  passed = 0;
  failed = 0;
  #filesWanted = 0;
  readonly #filesRan = new Set<string>();
  /** How many tests of each file have begun and not ended. */
  readonly #unended = new Map<string, number>();
  readonly #heard = new Map<string, { readonly firstMs: number; readonly lastMs: number }>();

  runFiles(files: readonly string[], { root, isolation, timeoutMs, isWordy = false }: RunOptions): Promise<void> {
    this.#filesWanted += files.length;
    return new Promise((resolve, reject) => {
      const stream = run({
        files: [...files],
        isolation,
        concurrency: isolation === 'none' ? true : FILES_AT_ONCE,
        timeout: timeoutMs,
        cwd: root,
      });
      stream.on('test:enqueue', (test) => {
        if (!isFile(test)) this.#count(test.file, 1);
      });
      stream.on('test:pass', (test) => {
        if (isFile(test)) return;
        this.#count(test.file, -1);
        if (test.todo !== undefined) console.log(`todo: ${test.name}: ${reason(test.todo)}`);
        // A skipped suite does not even tell of its tests.
        else if (test.skip !== undefined) this.#skipped(test.name, reason(test.skip));
        else if (test.details.type !== 'suite') {
          this.passed++;
          if (isWordy) console.log(`ok ${test.name} (${(test.details.duration_ms / 1000).toFixed(1)} s)`);
        }
      });
      stream.on('test:fail', (test) => {
        if (!isFile(test)) this.#count(test.file, -1);
        if (test.todo !== undefined) {
          console.log(`todo: ${test.name}: ${reason(test.todo)}`);
          return;
        }
        // A suite fails because of a test in it, which was counted; a file may fail by itself.
        const error = test.details.error as Error & { code?: string; failureType?: string; cause?: unknown };
        if (error.failureType === 'subtestsFailed') return;
        this.failed++;
        console.log(`\nFAILED ${test.name}  (${test.file ?? '?'}:${test.line ?? 0}:${test.column ?? 0})`);
        console.log(String(error.cause instanceof Error ? (error.cause.stack ?? error.cause) : (error.cause ?? error)));
      });
      stream.on('test:stderr', ({ message }) => process.stderr.write(message));
      stream.on('test:stdout', ({ message }) => process.stdout.write(message));
      stream.on('error', reject);
      stream.on('end', resolve);
      stream.resume();
    });
  }

  /** Counts what no test has told: files that ran no test, tests that never ended. */
  close(): void {
    if (this.#filesRan.size !== this.#filesWanted)
      this.fault(`${this.#filesWanted} test files are there, but only ${this.#filesRan.size} ran a test`);
    for (const [file, tests] of this.#unended)
      if (tests > 0) this.fault(`${tests} tests of ${file} began and never ended`);
  }

  /** One more failure, which is no test's. */
  fault(sentence: string): void {
    console.log(`FAILED ${sentence}`);
    this.failed++;
  }

  /** From the first to the last that was heard of a file. */
  secondsOf(file: string): string {
    const { firstMs, lastMs } = this.#heard.get(file) ?? { firstMs: 0, lastMs: 0 };
    return ((lastMs - firstMs) / 1000).toFixed(1);
  }

  #count(file: string | undefined, change: 1 | -1): void {
    if (file === undefined) return;
    const nowMs = performance.now();
    this.#heard.set(file, { firstMs: this.#heard.get(file)?.firstMs ?? nowMs, lastMs: nowMs });
    this.#filesRan.add(file);
    this.#unended.set(file, (this.#unended.get(file) ?? 0) + change);
  }

  #skipped(name: string, why: string): void {
    console.log(`SKIPPED ${name}: ${why}`);
    if (process.env.TENET_REQUIRE_NET === '1') this.failed++;
  }
}

/** In a process of its own a file is reported as a test whose name is its path, whether or not it ran any. */
function isFile({ name }: { readonly name: string }): boolean {
  return /\.test\.[jt]s$/.test(name);
}

function reason(said: string | boolean): string {
  return typeof said === 'string' ? said : 'no reason given';
}
