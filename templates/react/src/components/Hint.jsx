export default function Hint({ file }) {
  return (
    <p className="hint">
      Edit <code>{file}</code> and save: the page changes in place, and the counter keeps its value.
    </p>
  );
}
