"""Asks `echo` so many times, one after the other, and says how fast that was."""
import os
import time

connection_models = {
    'out': {
        'echo': {
            'connection_type': 'requester',
            'required_arguments': {'text': str},
            'required_return_arguments': {'text': str},
        },
    },
}


def main(to_send, config):
    text, count = 'x' * int(os.environ['LENGTH']), int(os.environ['COUNT'])
    assert to_send('echo', {'text': text}) == {'text': text}
    began, cpu = time.perf_counter(), time.process_time()
    for _ in range(count):
        to_send('echo', {'text': text})
    rate, cpu = count / (time.perf_counter() - began), (time.process_time() - cpu) * 1e6 / count
    print('PEER pace', rate, cpu)
