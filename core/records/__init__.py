"""What the clinic keeps: tables, the unit of work, and one module of verbs per noun.

Every verb takes the database and the person who acts, checks what that person may do, and owns its transaction.
"""
