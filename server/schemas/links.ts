/** Links of the description (OpenAPI 3.1, "Link Object"): which answer names the things that other calls are about. */

type Parameters = Readonly<Record<string, string>>;

/** One link for each operation id, under its own name, with the parameters that the answer gives it. */
const links = (parameters: Parameters, ...operationIds: readonly string[]) =>
  Object.fromEntries(operationIds.map((operationId) => [operationId, { operationId, parameters: { ...parameters } }]));

const packageId = "$response.body#/package_id";
const entry = { id: "$request.path.id", path: "$response.body#/path" };

export const PACKAGE_LINKS = {
  ...links(
    { id: packageId },
    ...["getPackage", "listFiles", "putFile", "importArchive", "exportArchive"],
    ...["finalizePackage", "abandonPackage", "verifyPackage"],
  ),
  ...links({ package_id: packageId }, "createUpload"),
};

export const FINALIZED_LINKS = links({ id: packageId }, "getManifest", "getPackage", "listFiles", "exportArchive");

export const ENTRY_LINKS = {
  ...links(entry, "getFile", "getFileHead", "deleteFile"),
  ...links({ content_address: "$response.body#/content_address" }, "getObject", "getObjectHead"),
};

export const UPLOAD_LINKS = links(
  { id: "$response.body#/upload_id" },
  ...["getUpload", "getUploadHead", "appendUpload", "cancelUpload"],
);
