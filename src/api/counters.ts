/** What this API process has done, among the figures of its process. */
import type { Metrics } from '../monitoring/metrics.ts';

export class Counters {
  readonly answered: (method: string, route: string, status: number) => void;
  readonly uploaded: (bytes: number) => void;
  readonly posted: (alerts: number) => void;

  constructor(metrics: Metrics) {
    const labels = ['method', 'route', 'status'];
    const requests = metrics.counting({ name: 'wds_api_requests_total', help: 'Requests by route and status', labels });
    const uploads = metrics.counting({ name: 'wds_api_uploads_total', help: 'Files taken' });
    const bytes = metrics.counting({ name: 'wds_api_upload_bytes_total', help: 'Bytes of the files taken' });
    const posts = metrics.counting({ name: 'wds_api_posts_total', help: 'Posts taken' });
    const alerts = metrics.counting({ name: 'wds_api_posted_alerts_total', help: 'Alerts of the posts taken' });
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
