"""Amazon Bedrock's Converse, which speaks for every vendor's model there. Start at dialect.py."""
