export function TablePage() {
  return <article className="page table" />;
}
