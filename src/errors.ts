/** An error whose one-line message is meant for the person who runs the program; details are in `cause`. */
export class VmstateError extends Error {
  override readonly name = "VmstateError";
}
