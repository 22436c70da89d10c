import { Page } from "../parts/page";

export function Dashboard() {
  return <Page title="Conflicts" />;
}
