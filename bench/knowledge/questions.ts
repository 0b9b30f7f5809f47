import type { NexusClient } from "@nexus/client";
import { KnowledgeKind } from "@nexus/gen/nexus/v1/knowledge_pb";
import { corpusPath, corpusWord } from "../../server/testing/knowledge-corpus.ts";

/** Something that is asked again and again, each time of other words or features. */
export interface Question {
  readonly name: string;
  ask(client: NexusClient, projectId: string, run: number): Promise<unknown>;
}

const word = (most: number, run: number) => corpusWord(most + run);

/** What the benchmark asks. */
export const QUESTIONS: readonly Question[] = [
  search("a rare word", (run) => ({ query: word(8_000, run) })),
  search("a word in one entry of fifty", (run) => ({ query: word(150, run % 50) })),
  search("a word in every other entry", (run) => ({ query: word(0, run % 8) })),
  search("two words", (run) => ({ query: `${word(20, run % 20)} ${word(300, run)}` })),
  search("a phrase", (run) => ({ query: `"${word(5, run % 10)} ${word(20, run % 30)}"` })),
  search("a word, learnings of one feature", (run) => ({
    query: word(10, run % 10),
    slug: `feature-${run}`,
    kinds: [KnowledgeKind.LEARNING],
  })),
  search("what is known about a file", (run) => ({ paths: [corpusPath(run)] })),
  search("what is known about a folder", (run) => ({ paths: [`packages/p${run % 50}`] })),
  search("ten files and a word", (run) => ({
    query: word(30, run % 30),
    paths: Array.from({ length: 10 }, (_, index) => corpusPath(run + 37 * index)),
  })),
  search("ten thousand characters", (run) => ({ query: `${word(0, run)} `.repeat(1_200) })),
  {
    name: "the learnings of a project, a page",
    ask: (client, projectId) => client.knowledge.listLearnings({ projectId }),
  },
  {
    name: "the decisions in force, a page",
    ask: (client, projectId) => client.knowledge.listDecisions({ projectId }),
  },
];

type Search = Parameters<NexusClient["knowledge"]["searchKnowledge"]>[0];

function search(name: string, filters: (run: number) => Search): Question {
  return {
    name: `search: ${name}`,
    ask: (client, projectId, run) => client.knowledge.searchKnowledge({ ...filters(run), projectId } as Search),
  };
}
