"""A small DNS server on a loopback port: answers TXT questions from a table, over UDP."""

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Thread

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


@contextmanager
def dns_server(records: Mapping[str, Sequence[str]], *, silent: bool = False) -> Iterator[str]:
    """Serves these texts by name, for the time of the block; gives its address. A `silent` one never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port:
        port.bind(("127.0.0.1", 0))
        thread = Thread(target=_serve, args=(port, records, silent), daemon=True)
        thread.start()
        host, number = port.getsockname()
        yield f"{host}:{number}"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ending:
            ending.sendto(b"", (host, number))
        thread.join(timeout=5)


def _serve(port: socket.socket, records: Mapping[str, Sequence[str]], silent: bool) -> None:
    while True:
        asked, peer = port.recvfrom(4096)
        if not asked:
            return
        if not silent:
            port.sendto(_answer(dns.message.from_wire(asked), records).to_wire(), peer)


def _answer(query: dns.message.Message, records: Mapping[str, Sequence[str]]) -> dns.message.Message:
    answer = dns.message.make_response(query)
    answer.flags |= dns.flags.AA
    question = query.question[0]
    name = question.name.to_text(omit_final_dot=True).lower()
    texts = records.get(name, ())
    if texts and question.rdtype == dns.rdatatype.TXT:
        told = [" ".join(f'"{text[start : start + 255]}"' for start in range(0, len(text), 255)) for text in texts]
        answer.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", "TXT", told))
    elif not any(one == name or one.endswith(f".{name}") for one in records):
        answer.set_rcode(dns.rcode.NXDOMAIN)
    return answer
