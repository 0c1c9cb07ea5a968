/** Files of test/e2e that do not run on the kernel's datapath, and why. */
export const NOT_HERE: Readonly<Record<string, string>> = {
  'churn.e2e.test.ts': 'an emulated CPU wires a pod in seconds, and it wires 60',
  'lab.e2e.test.ts': 'it brings four labs up to try their commands, which know nothing of the datapath',
  'run.e2e.test.ts': 'it brings three labs up; what they show with real packets is in reachability.e2e.test.ts too',
};

/** Those that take longer there than the gate may: `npm run test:kernel` runs them. */
export const NOT_IN_THE_GATE: Readonly<Record<string, string>> = {
  'restarts.e2e.test.ts': 'five minutes of running traffic; npm run test:kernel has it',
  'guards.e2e.test.ts':
    "two minutes of the host's rules, which know nothing of the datapath; npm run test:kernel has it",
  'router.e2e.test.ts':
    'what a router sends goes from pod to pod, as in reachability.e2e.test.ts; npm run test:kernel has it',
  'vouched-endpoints.e2e.test.ts':
    'whom agents believe, which knows nothing of the datapath; npm run test:kernel has it',
  'services-live.e2e.test.ts': 'minutes of running connections; npm run test:kernel has it',
  'services-more.e2e.test.ts': 'minutes of single packets, among them one of 45 s; npm run test:kernel has it',
};
