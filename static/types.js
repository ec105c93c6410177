// The shapes that the modules hand each other, for editors and readers; nothing at run time loads this file.
// Status, Probe and ProbeChange are the JSON of crates/common/src/api.rs; all else that lb tells, of the files in
// crates/common/src/api/.

/**
 * @typedef {{ version: string, config: string, started_at_ms: number, now_ms: number, workers: number,
 *   drift?: Drift[], faults?: Fault[], clusters: Cluster[] }} Status
 * @typedef {{ name: string, algorithm: string, probed: boolean, queued?: number, endpoints: Endpoint[] }} Cluster
 * @typedef {{ name: string, address: string, weight: number, priority?: number, max_in_flight?: number,
 *   belief: Belief, reason: string, since_ms: number, until_ms: number | null, probe: Probe | null, attempts: number, failures: number, ejections?: number, in_flight: number,
 *   latency_us: number | null }} Endpoint
 * @typedef {"up" | "ejected" | "trial" | "down" | "draining"} Belief
 * @typedef {{ at_ms: number, ok: boolean, status: number | null, says: string }} Probe
 * @typedef {{ cluster: string, endpoint: string, probe: Probe }} ProbeChange
 */

/**
 * What happened, as `event` tells it; `era` is when that lb started: its
 * numbers begin anew with each process.
 * @typedef {{ id: number, at_ms: number, says: string, kind: string, era?: number, [more: string]: any }} Event
 * @typedef {{ events: Event[] }} Timeline
 */

/**
 * @typedef {{ n: number, f?: number, l?: [number, number][] }} EndpointTick
 * @typedef {{ at_ms: number, ms: number, requests: number, errors: number, retried: number, attempts: number,
 *   latency: [number, number][], clusters: { endpoints: EndpointTick[] }[] }} Tick
 * @typedef {{ step_ms: number, ticks: Tick[] }} History
 */

/**
 * A tick as the page keeps it: the endpoints of all clusters in one list, and the keys that they had then.
 * @typedef {Omit<Tick, "clusters"> & { keys: string[], endpoints: EndpointTick[] }} Step
 */

/**
 * What is known of time: steps by window (null where nobody asked yet), the keys of the endpoints in config order, which of
 * them has which colour, events from the oldest on, the number of the last one, and when the lb that told it started.
 * @typedef {{ window: "5m" | "1h", steps: { "5m": Step[], "1h": Step[] | null }, layout: string[], slots: (string | null)[],
 *   events: Event[], lastId: number, era: number }} TimeState
 */

/**
 * Requests that are to be shown as dots, in batches as they were told; how many batches there were, how many requests of this
 * second are shown, and of the last few seconds how many there were and how many of them were shown.
 * @typedef {{ batches: { id: number, traces: Trace[] }[], told: number, shown: number,
 *   seconds: { requests: number, shown: number }[] }} FlowState
 */

/**
 * One try at one endpoint, as lb-trace tells it: a status, or a word why there was no answer.
 * @typedef {{ server: string, status: number | null, failure: string, us: number | null }} Attempt
 */

/**
 * What a request of this page came to. Times of day are Date.now(); `status` is null if there was no answer at all;
 * `server` is who answered, empty if lb did so itself; `reject` is lb's reason then; `broken` if the answer broke off,
 * `late` if the page gave up waiting.
 * @typedef {{ startedAt: number, endedAt: number, ms: number, ok: boolean, status: number | null, statusText: string,
 *   body: string, server: string, reject: string, broken: boolean, late: boolean, attempts: Attempt[] | null, lost: number }} Answer
 */

/**
 * What this page itself saw a server answer, or a server confirmed when it was toggled.
 * @typedef {{ status: number | null, failure: string, at: number }} Evidence
 */

/**
 * @typedef {{ era: number, since: number, sent: number, done: number, succeeded: number, retried: number, lost: number,
 *   byServer: Record<string, number> }} Tally
 */

/**
 * What was told of one request by lb itself; all times but `at_ms` are in microseconds, `after_us` from the request's head on.
 * @typedef {{ id: number, request_id: string | null, at_ms: number, us: number, kept_for: string, client: string, method: string,
 *   host: string, target: string, route: string | null, cluster: string | null, queued_us: number, attempts: TraceAttempt[],
 *   stopped: string | null, status: number | null, reject: string | null, end: "delivered" | "client-left" | "broken-off",
 *   bytes_in: number, bytes_out: number, trace_id: string | null }} Trace
 * @typedef {{ endpoint: string, turn: string, after_us: number, connect_us: number | null, reused: boolean, us: number,
 *   status: number | null, failure: string | null, says: string, blamed: boolean, fault: string | null,
 *   passed_over: { endpoint: string, why: string }[], passed_over_sum: string }} TraceAttempt
 * @typedef {{ traces: Trace[], kept: number, dropped: number, sample: number, next: number }} Traces
 */

/**
 * @typedef {{ cluster: string, endpoint: string, key: string, file: string, now: string, until_ms: number | null }} Drift
 * @typedef {{ type: "delay", min_ms: number, max_ms: number } | { type: "abort", status: number } | { type: "reset" }} FaultKind
 * @typedef {{ cluster?: string, endpoint?: string, route?: string, percent: number, kind: FaultKind, for: string }} NewFault
 * @typedef {{ id: number, cluster: string | null, endpoint: string | null, route: string | null, percent: number,
 *   kind: FaultKind, until_ms: number, played: number, says: string }} Fault
 * @typedef {{ allowed: boolean, most: number, longest_s: number, faults: Fault[] }} Faults
 * @typedef {{ allowed: boolean, shipped: string[], run: DrillRun | null }} Drills
 * @typedef {{ name: string, state: "running" | "passed" | "failed" | "stopped", began_ms: number, ms: number, elapsed_ms: number,
 *   steps: { at_ms: number, says: string, done: boolean }[],
 *   expectations: { says: string, measured: string, holds: boolean | null }[], error: string | null }} DrillRun
 */

/**
 * What the explorer of traces shows. `selection` is a query that another panel chose, `newer` whether there may be others
 * than those in `list`, `open` the number of the one that is open and `opened` itself, once it is known.
 * @typedef {{ loaded: boolean, list: Trace[], kept: number, dropped: number, sample: number, next: number, problem: string,
 *   filter: { outcome: string, endpoint: string, status: string, "min-ms": string },
 *   selection: { title: string, query: string } | null, limit: number, newer: boolean, paused: boolean,
 *   open: number | null, opened: Trace | null }} TracesState
 */

/**
 * `samples` are the attempts since lb started by server, one a status, of the last ten seconds; `probes` the last results by server.
 * @typedef {{ startedAt: number, samples: { at: number, attempts: Record<string, number> }[], probes: Record<string, Probe[]> }} SeenState
 * @typedef {{ known: boolean, missing: boolean, allowed: boolean, shipped: string[], run: DrillRun | null, heardAt: number }} DrillsState
 */

/**
 * Everything the page knows. `controls` is whether the endpoints offer the demo's, null before anyone answered. `ahead` is by how many milliseconds lb's clock is ahead of this machine's. `admin.offered`: lb is one that traces, changes and plays; `faults` is null before it said whether it may.
 * @typedef {{ connection: "connecting" | "live" | "reconnecting", heardAt: number, lostAt: number, status: Status | null, ahead: number,
 *   controls: boolean | null, evidence: Record<string, Evidence>, asking: string[],
 *   news: { id: number, text: string }[], newsCount: number, notice: string, theme: "system" | "light" | "dark",
 *   auto: { on: boolean, rate: number, full: boolean }, tally: Tally, last: Answer | null,
 *   admin: { offered: boolean }, faults: { allowed: boolean, most: number, longest_s: number } | null, seen: SeenState,
 *   traces: TracesState, drills: DrillsState, time: TimeState, flow: FlowState }} State
 */
