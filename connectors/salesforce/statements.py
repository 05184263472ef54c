"""Every SOQL statement that the connector can emit."""

from connectors.salesforce.soql import Statement

ORGANIZATION = Statement(
    "SELECT Id, Name, IsSandbox, OrganizationType, InstanceName, NamespacePrefix, TrialExpirationDate"
    " FROM Organization LIMIT 1"
)

USERNAME = Statement("SELECT Username FROM User WHERE Id = :id")

ASSIGNED_PERMISSION_SETS = Statement(
    "SELECT PermissionSet.Name FROM PermissionSetAssignment WHERE AssigneeId = :user AND PermissionSet.Name IN :names"
)

# Who owns what.

USERS_BY_EMAIL = Statement(
    "SELECT Id, Name, Email, IsActive FROM User WHERE Email IN :emails AND UserType = 'Standard'"
)

USERS_BY_ID = Statement("SELECT Id, Name, Email, IsActive FROM User WHERE Id IN :ids")

# Which of their accounts and contacts are ours.

ACCOUNTS_BY_KEY = Statement("SELECT Id, Name, {key} FROM Account WHERE {key} IN :keys")

ACCOUNTS_BY_WEBSITE = Statement("SELECT Id, Website, {key} FROM Account WHERE Website IN :websites")

ACCOUNTS_BY_NAME = Statement("SELECT Id, Name, {key} FROM Account WHERE Name IN :names")

CONTACTS_BY_KEY = Statement("SELECT Id, Email, AccountId, {key} FROM Contact WHERE {key} IN :keys")

CONTACTS_BY_EMAIL = Statement("SELECT Id, Email, AccountId, {key} FROM Contact WHERE Email IN :emails")

WISHES_BY_EMAIL = Statement("SELECT {fields} FROM {object} WHERE Email IN :emails")

# What is there of ours, by our key.

BY_KEY = Statement("SELECT {fields} FROM {object} WHERE {key} IN :keys")

BY_ID = Statement("SELECT {fields} FROM {object} WHERE Id IN :ids")

TASKS_BY_ID = Statement("SELECT {fields} FROM Task WHERE Id IN :ids")

TASK_STATUSES = Statement("SELECT ApiName, IsClosed, IsDefault FROM TaskStatus ORDER BY SortOrder")

# What people changed.

CHANGED = Statement("SELECT {fields} FROM {object} WHERE {key} != null ORDER BY SystemModstamp, Id")

CHANGED_SINCE = Statement(
    "SELECT {fields} FROM {object} WHERE {key} != null AND SystemModstamp >= :since ORDER BY SystemModstamp, Id"
)

# What people do with our customers of their own accord. What is ours is known by our keys, and by who made it.

OPEN_DEALS = Statement(
    "SELECT Account.{key} FROM Opportunity WHERE IsClosed = false AND Account.{key} != null ORDER BY Id"
)

OPEN_DEALS_NOT_OURS = Statement(
    "SELECT Account.{key} FROM Opportunity WHERE IsClosed = false AND Account.{key} != null AND {ours} = null"
    " AND {also_ours} = null ORDER BY Id"
)

DONE_TASKS = Statement(
    "SELECT {fields}, Account.{key} FROM Task WHERE IsClosed = true AND Account.{key} != null AND CreatedById != :me"
    " AND {ours} = null AND SystemModstamp >= :since ORDER BY SystemModstamp, Id"
)

BEGUN_EVENTS = Statement(
    "SELECT {fields}, Account.{key} FROM Event WHERE StartDateTime <= :now AND Account.{key} != null"
    " AND CreatedById != :me AND (SystemModstamp >= :since OR StartDateTime >= :since) ORDER BY SystemModstamp, Id"
)

# Cadences.

RUNNING_CADENCES = Statement(
    "SELECT Id, TargetId, ActionCadenceId, State FROM ActionCadenceTracker WHERE TargetId IN :ids AND State IN :states"
)
