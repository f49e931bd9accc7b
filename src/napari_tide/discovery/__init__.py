"""What users ask of profiles: drug-gene scores, queries, statistics, hit lists."""
