export { apiKeys, engineers } from "./engineers.ts";
export { events } from "./events.ts";
export { featureDependencies, features } from "./features.ts";
export { checkpoints, decisions, learnings } from "./knowledge.ts";
export { projectMembers, projects } from "./projects.ts";
export { requests } from "./requests.ts";
export { claims, sessions } from "./sessions.ts";
