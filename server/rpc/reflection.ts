import { createRegistry, type DescFile, type DescService, type Registry, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, type HandlerContext } from "@connectrpc/connect";
import { file_google_rpc_error_details } from "@nexus/gen/google/rpc/error_details_pb";
import { file_nexus_v1_error_details } from "@nexus/gen/nexus/v1/error_details_pb";

/** What a question is, of either version of the protocol: they differ in nothing but their package. */
interface Question {
  readonly host: string;
  readonly messageRequest:
    | { case: "listServices" | "fileByFilename" | "fileContainingSymbol" | "allExtensionNumbersOfType"; value: string }
    | { case: "fileContainingExtension"; value: { containingType: string; extensionNumber: number } }
    | { case: undefined };
}

type Answer =
  | { case: "fileDescriptorResponse"; value: { fileDescriptorProto: Uint8Array<ArrayBuffer>[] } }
  | { case: "allExtensionNumbersResponse"; value: { baseTypeName: string; extensionNumber: number[] } }
  | { case: "listServicesResponse"; value: { service: { name: string }[] } }
  | { case: "errorResponse"; value: { errorCode: number; errorMessage: string } };

/**
 * The standard reflection service, from the descriptors that are linked in: tools need nothing but the address.
 *
 * @param services what this server serves
 */
export function reflectionService(services: readonly DescService[]) {
  const files = new Map<string, DescFile>();
  for (const { file } of services) addWithImports(files, file);
  // What errors carry is in no service's file.
  for (const file of [file_nexus_v1_error_details, file_google_rpc_error_details]) addWithImports(files, file);
  const registry = createRegistry(...files.values());

  return {
    async *serverReflectionInfo<Asked extends Question>(questions: AsyncIterable<Asked>, context: HandlerContext) {
      try {
        for await (const question of questions) {
          const messageResponse = answer(services, registry, files, question.messageRequest);
          yield { validHost: question.host, originalRequest: question, messageResponse };
        }
      } catch (error) {
        // Tools hang up when they have heard enough.
        if (!context.signal.aborted) throw error;
      }
    },
  };
}

function answer(
  services: readonly DescService[],
  registry: Registry,
  files: ReadonlyMap<string, DescFile>,
  asked: Question["messageRequest"],
): Answer {
  switch (asked.case) {
    case "listServices":
      return { case: "listServicesResponse", value: { service: services.map(({ typeName: name }) => ({ name })) } };
    case "fileByFilename":
      return fileAnswer(files.get(asked.value), asked.value);
    case "fileContainingSymbol":
      return fileAnswer(fileOf(registry, asked.value), asked.value);
    case "allExtensionNumbersOfType":
      if (registry.getMessage(asked.value) === undefined) return notFound(asked.value);
      return { case: "allExtensionNumbersResponse", value: { baseTypeName: asked.value, extensionNumber: [] } };
    case "fileContainingExtension":
      return notFound(`extension ${asked.value.extensionNumber} of ${asked.value.containingType}`);
    default:
      return error(Code.InvalidArgument, "the question is empty");
  }
}

/** The file that declares a message, enum or service, or what belongs to one: a method, a field, a value. */
function fileOf(registry: Registry, symbol: string): DescFile | undefined {
  const owner = symbol.slice(0, Math.max(0, symbol.lastIndexOf(".")));
  return (registry.get(symbol) ?? registry.get(owner))?.file;
}

function fileAnswer(file: DescFile | undefined, asked: string): Answer {
  if (file === undefined) return notFound(asked);
  const all = new Map<string, DescFile>();
  addWithImports(all, file);
  // The file that was asked for first, then all that it imports.
  const fileDescriptorProto = [...all.values()].map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto } };
}

function addWithImports(files: Map<string, DescFile>, file: DescFile): void {
  if (files.has(file.proto.name)) return;
  files.set(file.proto.name, file);
  for (const imported of file.dependencies) addWithImports(files, imported);
}

function notFound(what: string): Answer {
  return error(Code.NotFound, `no ${what} here`);
}

function error(errorCode: Code, errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode, errorMessage } };
}
