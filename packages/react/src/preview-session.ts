import type { Session, SessionEvent, StartRequest, StartSource, StartTimings } from "@velocity/contract";
import { type Velocity, VelocityApiError, VelocityNetworkError } from "@velocity/sdk";
import { documentSignals, type PageSignals } from "./page-signals.ts";
import { EMPTY_TIMELINE, type PhaseTimeline, type PhaseTiming, reduceTimeline } from "./phase-timeline.ts";
import { type PreviewError, sessionError, toPreviewError } from "./preview-error.ts";
import { type PendingAction, type PreviewStatus, pickSession, previewStatus } from "./preview-status.ts";
import { SessionFollower } from "./session-follower.ts";
import { SessionLog } from "./session-log.ts";

export interface PreviewSnapshot {
  readonly status: PreviewStatus;
  readonly session: Session | null;
  /** What to open; null unless the session is running. */
  readonly previewUrl: string | null;
  readonly phases: readonly PhaseTiming[];
  /** Where the running container came from; null when this page did not start it. */
  readonly source: StartSource | null;
  /** Of the last start by this page, where it was short enough to be waited for. */
  readonly timings: StartTimings | null;
  readonly error: PreviewError | null;
  /** `lost`: the server does not answer; it is tried again by itself. */
  readonly connection: "ok" | "lost";
}

export interface PreviewSessionOptions {
  readonly client: Velocity;
  readonly projectId: string;
  /** Sent with each start. */
  readonly start?: Omit<StartRequest, "projectId" | "forceNew" | "wait" | "waitMs"> | undefined;
  readonly page?: PageSignals | undefined;
}

/** Quick starts (from the pool, from frozen) answer within this; slower ones are followed by their events. */
const START_WAIT_MS = 250;
const IDLE_POLL_MS = 10_000;
const RETRY_MS = 1_000;
const HEARTBEAT_MS = 60_000;
/** Server and page may disagree about the time by so much. */
const CLOCK_SLACK_MS = 5_000;

/**
 * The session of one project as a page sees it: found, followed and steered. Works without React; it is alive while
 * someone is subscribed, and then holds exactly one event stream.
 */
export class PreviewSession {
  readonly #client: Velocity;
  readonly #projectId: string;
  readonly #startOptions: PreviewSessionOptions["start"];
  readonly #page: PageSignals;
  readonly #listeners = new Set<() => void>();
  readonly #eventListeners = new Set<(event: SessionEvent) => void>();

  /** Lines of the session that is shown. */
  readonly log = new SessionLog();
  readonly #follower: SessionFollower;

  #loaded = false;
  #session: Session | null = null;
  #action: PendingAction | null = null;
  #actionError: PreviewError | null = null;
  #errorEvent: SessionEvent | null = null;
  #timeline: PhaseTimeline = EMPTY_TIMELINE;
  #source: StartSource | null = null;
  #timings: StartTimings | null = null;
  #connection: "ok" | "lost" = "ok";
  #snapshot: PreviewSnapshot;

  #life: AbortController | null = null;
  #closing: ReturnType<typeof setTimeout> | null = null;
  #poll: ReturnType<typeof setTimeout> | null = null;
  /** Grows with every answer to an action, so that a look from before it cannot overwrite what it brought. */
  #actions = 0;
  #refreshing = false;
  #refreshAgain = false;
  #autoStart: "no" | "wanted" | "done" = "no";

  constructor(options: PreviewSessionOptions) {
    this.#client = options.client;
    this.#projectId = options.projectId;
    this.#startOptions = options.start;
    this.#page = options.page ?? documentSignals();
    this.#snapshot = this.#makeSnapshot();
    this.#follower = new SessionFollower({
      client: options.client,
      log: this.log,
      onEvent: (event) => this.#onEvent(event),
      onConnection: (state) => this.#onConnection(state),
      onEnd: () => this.refresh(),
      canReadLog: () => this.#session?.state === "active",
    });
  }

  /** The first subscriber brings it to life; some moments after the last one left it lets go of everything. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (this.#closing !== null) clearTimeout(this.#closing);
    this.#closing = null;
    if (this.#life === null) this.#open();
    return () => {
      if (!this.#listeners.delete(listener)) return;
      // Strict Mode unsubscribes and subscribes again at once; that must not cost a second stream.
      if (this.#listeners.size === 0) this.#closing = setTimeout(() => this.#close(), 0);
    };
  };

  readonly getSnapshot = (): PreviewSnapshot => this.#snapshot;

  /** Every event of the session while it is followed, replayed ones included. */
  readonly onEvent = (listener: (event: SessionEvent) => void): (() => void) => {
    this.#eventListeners.add(listener);
    return () => this.#eventListeners.delete(listener);
  };

  /** Starts, resumes or joins the project's session. */
  readonly start = (): Promise<void> => this.#start("start");
  /** Ends the session, if there is one, and starts another from the project's files. */
  readonly startFresh = (): Promise<void> => this.#start("start-fresh");
  readonly stop = (): Promise<void> =>
    this.#act("stop", (id, signal) => this.#client.sessions.stop(id, { signal }));
  readonly resume = (): Promise<void> =>
    this.#act("resume", (id, signal) => this.#client.sessions.resume(id, { signal }));
  readonly restart = (target?: "server" | "container"): Promise<void> =>
    this.#act("restart", (id, signal) => this.#client.sessions.restart(id, target, { signal }));
  readonly terminate = (): Promise<void> =>
    this.#act("terminate", (id, signal) => this.#client.sessions.terminate(id, { signal }));

  /** Reads the truth from the server now. */
  readonly refresh = (): void => {
    if (this.#life === null) return;
    if (this.#refreshing) {
      this.#refreshAgain = true;
      return;
    }
    void this.#refresh(this.#life.signal);
  };

  /** Starts once the first look found nothing running; later calls and later stops change nothing. */
  readonly startOnce = (): void => {
    if (this.#autoStart !== "no") return;
    this.#autoStart = "wanted";
    this.#maybeAutoStart();
  };

  #open(): void {
    const life = new AbortController();
    this.#life = life;
    const unlisten = this.#page.listen(() => this.refresh());
    const heartbeat = setInterval(() => this.#heartbeat(life.signal), HEARTBEAT_MS);
    life.signal.addEventListener("abort", () => {
      unlisten();
      clearInterval(heartbeat);
    });
    this.refresh();
  }

  #close(): void {
    this.#closing = null;
    this.log.close();
    this.#life?.abort();
    this.#life = null;
    this.#follower.leave();
    if (this.#poll !== null) clearTimeout(this.#poll);
    this.#poll = null;
    this.#refreshing = false;
    this.#refreshAgain = false;
    this.#action = null;
  }

  async #refresh(life: AbortSignal): Promise<void> {
    this.#refreshing = true;
    let delayMs = IDLE_POLL_MS;
    const actionsBefore = this.#actions;
    try {
      const found = await this.#look(life);
      if (life.aborted) return;
      this.#connection = "ok";
      this.#loaded = true;
      if (this.#actionError?.code === "network_error") this.#actionError = null;
      const stale = actionsBefore !== this.#actions;
      if (stale) this.#refreshAgain = true;
      else if (this.#action === null || found?.id === this.#session?.id) this.#adopt(found);
    } catch (error) {
      if (life.aborted) return;
      delayMs = RETRY_MS;
      if (
        error instanceof VelocityNetworkError ||
        (error instanceof VelocityApiError && error.status >= 502)
      ) {
        this.#connection = "lost";
      } else {
        this.#loaded = true;
        this.#actionError = toPreviewError(error);
        delayMs = IDLE_POLL_MS;
      }
    }
    this.#refreshing = false;
    this.#publish();
    this.#maybeAutoStart();
    if (this.#refreshAgain) {
      this.#refreshAgain = false;
      this.refresh();
      return;
    }
    this.#pollAfter(delayMs);
  }

  /** A live session is told about by its stream; without one, another page may start it: look now and then. */
  #pollAfter(delayMs: number): void {
    if (this.#poll !== null) clearTimeout(this.#poll);
    this.#poll = null;
    const told = this.#follower.isFollowing && this.#session?.state !== "terminated";
    if (told && this.#connection === "ok") return;
    this.#poll = setTimeout(() => {
      this.#poll = null;
      if (this.#page.isVisible() || this.#connection === "lost") this.refresh();
      else this.#pollAfter(delayMs);
    }, delayMs);
  }

  async #look(signal: AbortSignal): Promise<Session | null> {
    const current = this.#session;
    if (current !== null && current.state !== "terminated") {
      try {
        return await this.#client.sessions.get(current.id, { signal });
      } catch (error) {
        if (!(error instanceof VelocityApiError) || error.status !== 404) throw error;
      }
    }
    const page = await this.#client.sessions.list({ projectId: this.#projectId }, { signal });
    const kept = page.items.find((one) => one.id === current?.id) ?? null;
    return pickSession(page.items) ?? kept;
  }

  /** Takes a session as the one to show, and follows it while it lives. */
  #adopt(session: Session | null): void {
    if (session?.id !== this.#session?.id) {
      this.#timeline = EMPTY_TIMELINE;
      this.#errorEvent = null;
      this.#source = null;
      this.#timings = null;
      this.log.clear();
    }
    this.#session = session;
    if (session === null || (session.state === "terminated" && session.error === null))
      this.#follower.leave();
    else if (session.state !== "terminated" && this.#life !== null) this.#follower.follow(session.id);
  }

  #onConnection(state: "open" | "lost"): void {
    const wasLost = this.#connection === "lost";
    this.#connection = state === "open" ? "ok" : "lost";
    if (state === "open" && wasLost) this.refresh();
    if (wasLost !== (state === "lost")) this.#publish();
  }

  #onEvent(event: SessionEvent): void {
    for (const listener of this.#eventListeners) listener(event);
    const timeline = reduceTimeline(this.#timeline, event);
    const changed = timeline !== this.#timeline;
    this.#timeline = timeline;
    if (event.type === "error") this.#errorEvent = event;
    if (event.type === "state" && event.data.state === "active") this.#actionError = null;
    if (this.#changesSession(event)) this.refresh();
    if (changed) this.#publish();
  }

  /** Steps of an operation that is known already say nothing new, once its container is known too. */
  #changesSession(event: SessionEvent): boolean {
    if (event.type === "log" || event.type === "console" || event.type === "file") return false;
    const session = this.#session;
    const known = event.data.operation === session?.operation?.kind && session?.container != null;
    return event.type !== "phase" || !known;
  }

  async #start(action: "start" | "start-fresh"): Promise<void> {
    const life = this.#life?.signal;
    if (life === undefined || this.#action !== null) return;
    this.#begin(action);
    const began = Date.now() - CLOCK_SLACK_MS;
    try {
      const result = await this.#client.sessions.start(
        {
          ...this.#startOptions,
          projectId: this.#projectId,
          forceNew: action === "start-fresh",
          waitMs: START_WAIT_MS,
        },
        { signal: life },
      );
      if (life.aborted) return;
      this.#connection = "ok";
      this.#loaded = true;
      this.#adopt(result.session);
      this.#source = result.source;
      this.#timings = result.pending ? null : result.timings;
    } catch (error) {
      if (life.aborted) return;
      this.#actionError = toPreviewError(error);
      await this.#adoptFailed(began, life);
      if (life.aborted) return;
    }
    this.#finish();
  }

  /** A start that failed at once told only why; its session has the log lines. */
  async #adoptFailed(beganAt: number, life: AbortSignal): Promise<void> {
    try {
      const page = await this.#client.sessions.list({ projectId: this.#projectId }, { signal: life });
      const failed = page.items.find(
        (one) => one.state === "terminated" && one.error !== null && Date.parse(one.createdAt) >= beganAt,
      );
      if (failed === undefined || life.aborted) return;
      this.#adopt(failed);
      this.#follower.follow(failed.id);
    } catch {
      // The error itself is known already; the lines would only have explained it.
    }
  }

  async #act(
    action: PendingAction,
    call: (id: string, signal: AbortSignal) => Promise<Session>,
  ): Promise<void> {
    const life = this.#life?.signal;
    const id = this.#session?.id;
    if (life === undefined || id === undefined || this.#action !== null) return;
    this.#begin(action);
    try {
      const session = await call(id, life);
      if (life.aborted) return;
      this.#adopt(session);
    } catch (error) {
      if (life.aborted) return;
      this.#actionError = toPreviewError(error);
    }
    this.#finish();
  }

  #begin(action: PendingAction): void {
    this.#action = action;
    this.#actionError = null;
    if (action === "start" || action === "start-fresh" || action === "resume") {
      this.#timeline = EMPTY_TIMELINE;
      this.#source = null;
      this.#timings = null;
    }
    this.#publish();
  }

  #finish(): void {
    this.#action = null;
    this.#actions++;
    this.#publish();
    this.refresh();
  }

  #maybeAutoStart(): void {
    if (this.#autoStart !== "wanted" || !this.#loaded || this.#life === null) return;
    this.#autoStart = "done";
    const { status } = this.#snapshot;
    if (status === "idle" || status === "stopped" || status === "ended") void this.start();
  }

  /** Says that someone is at this page; the preview's own use is seen by the gateway. */
  #heartbeat(signal: AbortSignal): void {
    const id = this.#session?.state === "active" ? this.#session.id : null;
    const used = Date.now() - this.#page.lastInputAt() < HEARTBEAT_MS;
    if (id === null || !used || !this.#page.isVisible()) return;
    this.#client.sessions.heartbeat(id, { signal }).catch(() => undefined);
  }

  #publish(): void {
    this.#snapshot = this.#makeSnapshot();
    for (const listener of this.#listeners) listener();
  }

  #makeSnapshot(): PreviewSnapshot {
    const session = this.#session;
    const rowError =
      session === null || session.error === null || this.#action !== null
        ? null
        : sessionError(session.error, this.#errorEvent);
    // Of the same failure the row knows the lines and the answer knows the request.
    const error =
      this.#actionError !== null && this.#actionError.code === rowError?.code
        ? { ...this.#actionError, log: rowError.log }
        : (this.#actionError ?? rowError);
    return {
      status: previewStatus({
        loaded: this.#loaded,
        session,
        action: this.#action,
        failed: this.#actionError !== null,
      }),
      session,
      previewUrl: session?.state === "active" ? session.previewUrl : null,
      phases: this.#timeline.phases,
      source: this.#source,
      timings: this.#timings,
      error,
      connection: this.#connection,
    };
  }
}
