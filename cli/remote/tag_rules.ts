/** The rules for immutable tags, behind a server. */
import type { TagRules, TagRulesPreview } from "../../core/mod.ts";
import type { Door } from "../door.ts";
import { type Asked, answer, type Server } from "./server.ts";

export function tagRulesBehind(server: Server): Pick<Door["oci"], "getTagRules" | "setTagRules" | "previewTagRules"> {
  const { api } = server;
  const bodyOf = (rules: TagRules["rules"]) => rules.map((rule) => ({ ...rule }));
  return {
    async getTagRules(caller) {
      return answer<TagRules>(server, await server.ask(caller, (asked) => api.getTagRules(asked)));
    },
    async setTagRules(caller, { rules, ...same }) {
      const body = { rules: bodyOf(rules), ...same };
      return answer<TagRules>(server, await server.ask(caller, (asked) => api.setTagRules({ ...asked, body })));
    },
    async previewTagRules(caller, { rules }) {
      const call = (asked: Asked) => api.previewTagRules({ ...asked, body: { rules: bodyOf(rules) } });
      return answer<TagRulesPreview>(server, await server.ask(caller, call, { long: true }));
    },
  };
}
