"""``scan.py HOSTS``: the certificates of each ADDRESS:PORT of the file by the library sslyze, with its
own idea of how much to do at once."""

import sys
from pathlib import Path

from sslyze import ScanCommand, Scanner, ServerNetworkLocation, ServerScanRequest

scanner = Scanner()
requests = []
for line in Path(sys.argv[1]).read_text().split():
    address, port = line.rsplit(":", 1)
    location = ServerNetworkLocation(hostname=address, port=int(port), ip_address=address)
    requests.append(
        ServerScanRequest(server_location=location, scan_commands={ScanCommand.CERTIFICATE_INFO})
    )
scanner.queue_scans(requests)
completed = sum(
    result.scan_result is not None
    and result.scan_result.certificate_info.status.name == "COMPLETED"
    for result in scanner.get_results()
)
print(completed, "completed")
sys.exit(completed != len(requests))
