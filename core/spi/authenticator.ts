/** Who calls. Every use case takes a caller from the first day; an authenticator (later) turns credentials into one. */

export interface Principal {
  /** Opaque, stable id; `local:<os user>` for whoever runs the program on its own machine. Never an e-mail or a name. */
  readonly subject: string;
  readonly kind: "human" | "service" | "local" | "anonymous";
  readonly roles: readonly string[];
  /** Tenants whose things this principal may touch at all. */
  readonly tenants: readonly string[];
}

/** What is known of the call besides who makes it. It goes into the event's context, hashed but erasable. */
export interface CallContext {
  readonly ip?: string;
  readonly request_id?: string;
  readonly credential_id?: string;
}

export interface Caller {
  readonly principal: Principal;
  /** The tenant that this call acts in; one of `principal.tenants`. */
  readonly tenant: string;
  readonly context?: CallContext;
  /** Aborts the call. What has not been acknowledged by then leaves nothing visible. */
  readonly signal?: AbortSignal;
}
