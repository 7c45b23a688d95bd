/** What this API process has done, among the figures of its process. */
import type { Metrics } from '../monitoring/metrics.ts';

export class Counters {
  readonly answered: (method: string, route: string, status: number) => void;
  readonly uploaded: (bytes: number) => void;
  readonly posted: (alerts: number) => void;

  constructor(metrics: Metrics) {
    const labels = ['method', 'route', 'status'];
    const requests = metrics.counting({ name: 'wds_api_requests_total', help: 'Requests by route and status', labels });
    const single = (name: string, help: string) => metrics.counting({ name, help }, [[]]);
    const uploads = single('wds_api_uploads_total', 'Files taken');
    const bytes = single('wds_api_upload_bytes_total', 'Bytes of the files taken');
    const posts = single('wds_api_posts_total', 'Posts taken');
    const alerts = single('wds_api_posted_alerts_total', 'Alerts of the posts taken');
    this.answered = (method, route, status) => requests([method, route, String(status)]);
    this.uploaded = (size) => {
      uploads([]);
      bytes([], size);
    };
    this.posted = (count) => {
      posts([]);
      alerts([], count);
    };
  }
}
