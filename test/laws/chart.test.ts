/**
 * The chart, the component and the image: what they say about the bridge is what the bridge says about itself, and what
 * they make is what Kubernetes takes.
 *
 * What needs Helm, kubectl or hadolint fetches them once (src/dev/toolchain.ts). Where they cannot be had, those laws are
 * skipped by name; on CI they fail.
 */
import './chart/schema.ts'
import './chart/render.ts'
import './chart/pod.ts'
import './chart/options.ts'
import './chart/refused.ts'
import './chart/variables.ts'
import './chart/alerts.ts'
import './chart/kustomize.ts'
import './chart/readme.ts'
import './chart/image.ts'
