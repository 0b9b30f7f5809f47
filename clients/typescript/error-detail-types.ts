import { createRegistry } from "@bufbuild/protobuf";
import { file_google_rpc_error_details } from "@nexus/gen/google/rpc/error_details_pb";
import { file_nexus_v1_error_details } from "@nexus/gen/nexus/v1/error_details_pb";

/** Every message that may come as the detail of an error. Details of other types are passed over. */
export const errorDetailTypes = createRegistry(file_nexus_v1_error_details, file_google_rpc_error_details);
