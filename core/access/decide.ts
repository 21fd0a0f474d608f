/**
 * May this principal do this? One door for every use case. Today policy allows whoever runs the program on its own
 * machine; roles, tenants and rules come with authentication, behind the same signature.
 */
import { RegistryError } from "../base/errors.ts";
import type { Caller } from "../spi/authenticator.ts";

export type Action =
  | "package:create"
  | "package:write"
  | "package:finalize"
  | "package:abandon"
  | "package:read"
  | "package:verify"
  | "schema:register"
  | "oci:pull"
  | "oci:push"
  | "oci:delete"
  | "oci:catalog"
  | "oci:delete_repository"
  | "oci:administer"
  | "event:read"
  | "event:redact"
  | "registry:maintain";

export function isAllowed({ principal, tenant }: Caller, _action: Action): boolean {
  return principal.kind === "local" && principal.tenants.includes(tenant);
}

/** @throws {RegistryError} `access_denied` */
export function authorize(caller: Caller, action: Action): void {
  if (isAllowed(caller, action)) return;
  const { principal, tenant } = caller;
  throw new RegistryError("access_denied", `${principal.subject} may not ${action} in tenant ${tenant}`, {
    action,
    tenant,
  });
}

/** Whoever administers the machine reads the log itself, others the feed of their tenant (ADR-0017). */
export function readsWholeLog({ principal }: Caller): boolean {
  return principal.kind === "local" && principal.roles.includes("admin");
}

/** Whoever runs the program: allowed everything in the default tenant. */
export function localCaller(user: string, signal?: AbortSignal): Caller {
  return {
    principal: { subject: `local:${user}`, kind: "local", roles: ["admin"], tenants: [DEFAULT_TENANT] },
    tenant: DEFAULT_TENANT,
    ...(signal === undefined ? {} : { signal }),
  };
}

export const DEFAULT_TENANT = "default";
