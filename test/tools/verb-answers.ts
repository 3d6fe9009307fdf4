import { readdirSync } from "node:fs";
import ts from "typescript";

/** The outcomes and reasons that the type of a verb's result allows, sorted. */
export interface Answers {
  outcomes: string[];
  reasons: string[];
}

/** Of each wrapper of `src/client`, by its name, what its result may say. */
export function answersOfVerbs(root: string): Map<string, Answers> {
  const dir = `${root}src/client`;
  const files = readdirSync(dir).map((file) => `${dir}/${file}`);
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, (path) => ts.sys.readFile(path)) as {
    config: unknown;
  };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const program = ts.createProgram(files, options);
  const checker = program.getTypeChecker();
  const wrappers = program
    .getSourceFiles()
    .filter(({ fileName }) => files.includes(fileName))
    .flatMap(({ statements }) => statements.filter(ts.isFunctionDeclaration));
  return new Map(wrappers.map((node) => [node.name?.text ?? "", answersOf(node, checker)]));
}

function answersOf(node: ts.FunctionDeclaration, checker: ts.TypeChecker): Answers {
  const signature = checker.getSignatureFromDeclaration(node);
  const promised = signature && checker.getAwaitedType(signature.getReturnType());
  const row = promised && (checker.getIndexTypeOfType(promised, ts.IndexKind.Number) ?? promised);
  const members = row === undefined ? [] : row.isUnion() ? row.types : [row];
  const labels = (columns: RegExp): string[] =>
    [...new Set(members.flatMap((member) => labelsOf(member, columns, node, checker)))].sort();
  return { outcomes: labels(/^outcome$|Outcome$/), reasons: labels(/^reason$|Reason$/) };
}

/** The texts that the columns of a type may hold; null is none. */
function labelsOf(type: ts.Type, columns: RegExp, node: ts.Node, checker: ts.TypeChecker): string[] {
  return checker
    .getPropertiesOfType(type)
    .filter(({ name }) => columns.test(name))
    .map((property) => checker.getTypeOfSymbolAtLocation(property, node))
    .flatMap((type) => (type.isUnion() ? type.types : [type]))
    .flatMap((type) => (type.isStringLiteral() ? [type.value] : []));
}
