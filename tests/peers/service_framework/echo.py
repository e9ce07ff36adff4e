"""Answers what it is asked."""

connection_models = {
    'in': {
        'echo': {
            'connection_type': 'replyer',
            'required_creation_arguments': {'connection_function': lambda args, to_send, config: args},
            'required_arguments': {'text': str},
            'required_return_arguments': {'text': str},
        },
    },
}
