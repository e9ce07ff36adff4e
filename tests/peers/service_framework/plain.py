"""A socket of libzmq, without the package: `plain.py KIND bind|connect ADDRESS [what to do]`; says what comes, in hex."""
import sys

import zmq

kind, how, address, *more = sys.argv[1:]
socket = zmq.Context().socket(getattr(zmq, kind))
if kind == 'SUB':
    socket.setsockopt(zmq.SUBSCRIBE, bytes.fromhex(more[0]) if more else b'')
getattr(socket, how)('tcp://' + address)
print('PEER ready')
if kind == 'REP':
    while True:
        frame = socket.recv()
        print('PEER got', frame.hex())
        # What is to be answered to a request: the same workflow id, whatever it is.
        at = frame.index(b'\xabworkflow_id')
        socket.send(b'\x82\xabreturn_args\xc0' + frame[at:])
elif kind in ('SUB', 'PULL'):
    while True:
        print('PEER got', socket.recv().hex())
elif kind == 'REQ':
    for frame in more:
        socket.send(bytes.fromhex(frame))
        print('PEER got', socket.recv().hex())
elif kind in ('PUSH', 'PUB'):
    for frame in more:
        socket.send(bytes.fromhex(frame))
    socket.close(linger=5000)
    print('PEER done')
    zmq.Context.instance().term()
