# SPDX-License-Identifier: BSD-2-Clause
"""manifest.py FILE: checks scripts/kubernetes/daemonset.yaml and prints what test_container.sh needs of it, a line each:
args, capabilities (as setpriv wants them), mounts."""
import sys

import yaml

with open(sys.argv[1], encoding="utf-8") as file:
    documents = {document["kind"]: document for document in yaml.safe_load_all(file)}
daemon_set = documents["DaemonSet"]
assert daemon_set["metadata"]["namespace"] == documents["Namespace"]["metadata"]["name"]
labels = daemon_set["spec"]["selector"]["matchLabels"].items()
assert labels <= daemon_set["spec"]["template"]["metadata"]["labels"].items(), "the selector fits no pod"

pod = daemon_set["spec"]["template"]["spec"]
assert pod["hostPID"] and pod["hostNetwork"]
(container,) = pod["containers"]
rights = container["securityContext"]
assert rights["readOnlyRootFilesystem"] and not rights["privileged"] and not rights["allowPrivilegeEscalation"]
assert rights["capabilities"]["drop"] == ["ALL"] and rights["runAsUser"] == 0
volumes = {volume["name"] for volume in pod["volumes"]}
assert {mount["name"] for mount in container["volumeMounts"]} == volumes, "mounts and volumes differ"

print("args", *container["args"])
print("capabilities", ",".join("+" + name.lower() for name in rights["capabilities"]["add"]))
print("mounts", *(mount["mountPath"] for mount in container["volumeMounts"]))
print("probe", *container["livenessProbe"]["exec"]["command"])
