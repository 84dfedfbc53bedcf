"""Every call of administration that is served, by the newest Python SDK: `python administration.py URL KEY`.

Prints one JSON object: step -> what the step saw. It asserts nothing and imports nothing of ours; a step that raises
shows as `{"raised": …}`.
"""

from __future__ import annotations

import json
import sys
import time
import traceback

import openai

URL, KEY = sys.argv[1:]
ENDED = ("completed", "failed", "expired", "cancelled")


def administrator(key=KEY, **options):
    """The key for administration alone: the other one must not be needed, nor sent."""
    return openai.OpenAI(base_url=f"{URL}/v1", api_key="of-nobody", admin_api_key=key, **options)


def of_project(key):
    return openai.OpenAI(base_url=f"{URL}/v1", api_key=key)


def refused(call, *arguments, **options):
    """What the SDK raises, as a user's `except` sees it; None if nothing."""
    try:
        call(*arguments, **options)
    except openai.APIStatusError as error:
        return [type(error).__name__, error.status_code, error.code, error.param]
    return None


def jsonl():
    body = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
    line = {"custom_id": "c1", "method": "POST", "url": "/v1/chat/completions", "body": body}
    return f"{json.dumps(line)}\n".encode()


def run_batch(client):
    """Upload, create, wait, download."""
    file = client.files.create(file=("input.jsonl", jsonl()), purpose="batch")
    batch = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    until = time.monotonic() + 240
    while batch.status not in ENDED and time.monotonic() < until:
        time.sleep(0.05)
        batch = client.batches.retrieve(batch.id)
    lines = client.files.content(batch.output_file_id).text.splitlines() if batch.output_file_id else []
    return {"status": batch.status, "custom_ids": [json.loads(line)["custom_id"] for line in lines]}


def see_alerts(alerts, where, inside):
    """Every call of alerts; `where` and `inside` say whose they are."""
    mail = {"type": "email", "recipients": ["ada@example.com"], "subject_prefix": "[batch]"}
    fields = {"currency": "USD", "interval": "month", "notification_channel": mail}
    made = [alerts.create(*where, **fields, threshold_amount=cents) for cents in (100, 200, 300)]
    updated = alerts.update(made[0].id, **inside, **fields, threshold_amount=150)
    return {
        "made": made[0].model_dump(),
        "updated": updated.model_dump(),
        "found": alerts.retrieve(made[0].id, **inside).model_dump(),
        "listed": [alert.threshold_amount for alert in alerts.list(*where, limit=1)],
        "oldest_first": [alert.threshold_amount for alert in alerts.list(*where, limit=1, order="asc")],
        "before": [alert.id for alert in alerts.list(*where, before=made[1].id).data] == [made[2].id],
        "deleted": alerts.delete(made[0].id, **inside).model_dump(),
        "then": refused(alerts.retrieve, made[0].id, **inside),
        "wrong": refused(alerts.create, *where, **fields, threshold_amount=0),
    }


class Visit:
    """One administrator's whole visit. Steps run in the order of their definition and build on the ones before."""

    def __init__(self):
        self.organization = administrator().admin.organization
        self.projects = self.organization.projects

    def step_projects(self):
        made = self.projects.create(name="red", extra_body={"labels": {"department": "red"}})
        self.project = made.id
        return {
            "made": made.model_dump(),
            "renamed": self.projects.update(made.id, name="crimson").name,
            "found": self.projects.retrieve(made.id).model_dump(),
            "listed": [project.name for project in self.projects.list(limit=1)],
            "default": self.projects.retrieve("proj_default").name,
        }

    def step_service_accounts(self):
        accounts = self.projects.service_accounts
        self.account = accounts.create(self.project, name="nightly", expires_in_seconds=3600)
        alone = accounts.create(self.project, name="alone", create_service_account_only=True)
        updated = accounts.update(alone.id, project_id=self.project, name="by itself", role="owner")
        return {
            "made": self.account.model_dump(),
            "alone": alone.model_dump(),
            "updated": updated.model_dump(),
            "found": accounts.retrieve(self.account.id, project_id=self.project).model_dump(),
            "listed": [account.name for account in accounts.list(self.project, limit=1)],
            "deleted": accounts.delete(alone.id, project_id=self.project).model_dump(),
        }

    def step_keys(self):
        keys = self.projects.api_keys
        self.reader = self.projects.service_accounts.api_keys.create(
            self.account.id,
            project_id=self.project,
            name="reader",
            scopes=["api.files.read"],
            expires_in_seconds=60,
            extra_body={"models": ["m"], "labels": {"app": "7"}},
        )
        updated = keys.update(self.reader.id, project_id=self.project, scopes=["api.all.read"], expires_in_seconds=120)
        return {
            "made": self.reader.model_dump(),
            "updated": updated.model_dump(),
            "found": keys.retrieve(self.reader.id, project_id=self.project).model_dump(),
            "listed": [key.name for key in keys.list(self.project, limit=1, owner_project_access="active")],
            "inactive": [key.name for key in keys.list(self.project, owner_project_access="inactive")],
        }

    def step_model_permissions(self):
        permissions = self.projects.model_permissions
        return {
            "none": refused(permissions.retrieve, self.project),
            "set": permissions.update(self.project, mode="allow_list", model_ids=["m"]).model_dump(),
            "found": permissions.retrieve(self.project).api_model_ids,
            "deleted": permissions.delete(self.project).model_dump(),
        }

    def step_spend_limit(self):
        limit = self.projects.spend_limit
        month = {"currency": "USD", "interval": "month"}
        return {
            "none": refused(limit.retrieve, self.project),
            "set": limit.update(self.project, **month, threshold_amount=25000).model_dump(),
            "found": limit.retrieve(self.project).model_dump(),
            "stopping": limit.update(
                self.project, **month, threshold_amount=1, extra_body={"stops_batches": True}
            ).stops_batches,
            "deleted": limit.delete(self.project).model_dump(),
        }

    def step_organization_spend_limit(self):
        limit = self.organization.spend_limit
        month = {"currency": "USD", "interval": "month", "threshold_amount": 50000}
        return {
            "none": refused(limit.retrieve),
            "set": limit.update(**month, extra_body={"stops_batches": True}).model_dump(),
            "found": limit.retrieve().model_dump(),
            "deleted": limit.delete().model_dump(),
        }

    def step_spend_alerts(self):
        return see_alerts(self.projects.spend_alerts, [self.project], {"project_id": self.project})

    def step_organization_spend_alerts(self):
        return see_alerts(self.organization.spend_alerts, [], {})

    def step_rate_limits(self):
        rates = self.projects.rate_limits
        found = list(rates.list_rate_limits(self.project, limit=1))
        own = rates.update_rate_limit(found[0].id, project_id=self.project, batch_1_day_max_input_tokens=1000)
        return {"found": [each.model for each in found], "own": own.model_dump()}

    def step_admin_api_keys(self):
        keys = self.organization.admin_api_keys
        made = [keys.create(name=name) for name in ("first", "second")]
        other = administrator(made[0].value).admin.organization
        seen = {
            "made": made[0].model_dump(),
            "found": keys.retrieve(made[0].id).model_dump(),
            "newest_first": [key.name for key in keys.list(limit=1)],
            "oldest_first": [key.name for key in keys.list(limit=1, order="asc")],
            "works": [project.name for project in other.projects.list()],
            "deleted": keys.delete(made[0].id).model_dump(),
            "then": refused(other.projects.list),
            "expiring": keys.create(name="third", expires_in_seconds=60).expires_at,
        }
        for key in list(keys.list()):
            keys.delete(key.id)
        return seen

    def step_work(self):
        """The keys at what they are for."""
        whole, reader = of_project(self.account.api_key.value), of_project(self.reader.value)
        return {
            "batch": run_batch(whole),
            "reads": [file.filename for file in reader.files.list()],
            "writes": refused(reader.files.create, file=("input.jsonl", jsonl()), purpose="batch"),
            "creates": refused(
                reader.batches.create,
                input_file_id="file-none",
                endpoint="/v1/chat/completions",
                completion_window="24h",
            ),
            "administers": refused(administrator(self.account.api_key.value).admin.organization.projects.list),
            "others": [file.id for file in of_project(KEY).files.list()],
        }

    def step_end(self):
        """A key, an account, a project: whatever ends, its keys open nothing any more."""
        accounts, keys = self.projects.service_accounts, self.projects.api_keys
        whole, reader = of_project(self.account.api_key.value), of_project(self.reader.value)
        deleted = keys.delete(self.reader.id, project_id=self.project)
        seen = {"key": deleted.model_dump(), "then": refused(reader.files.list)}
        seen["account"] = accounts.delete(self.account.id, project_id=self.project).model_dump()
        seen["then_of_account"] = refused(whole.files.list)
        last = of_project(accounts.create(self.project, name="last").api_key.value)
        seen["works"] = "input.jsonl" in [file.filename for file in last.files.list()]
        seen["project"] = self.projects.archive(self.project).status
        seen["then_of_project"] = refused(last.files.list)
        seen["listed"] = [project.name for project in self.projects.list()]
        seen["with_archived"] = [project.name for project in self.projects.list(include_archived=True)]
        return seen

    def step_audit_logs(self):
        """Pages of all that was done, and what each filter leaves."""
        logs = self.organization.audit_logs
        everything = list(logs.list(limit=5))
        newest, oldest = everything[0], everything[-1]
        return {
            "types": [log.type for log in everything],
            "oldest": oldest.model_dump(exclude_none=True, by_alias=True),
            "of_type": [log.type for log in logs.list(event_types=["project.archived"])],
            "of_project": {log.project.id for log in logs.list(project_ids=[self.project])} == {self.project},
            "of_resource": [log.type for log in logs.list(resource_ids=[self.reader.id])],
            "of_actor": len(list(logs.list(actor_ids=["nobody"]))),
            "later": len(list(logs.list(effective_at={"gt": newest.effective_at}))),
            "until": len(list(logs.list(effective_at={"gte": oldest.effective_at, "lte": newest.effective_at}))),
            "before": [log.id for log in logs.list(before=everything[1].id, limit=1)] == [newest.id],
        }

    def step_mistakes(self):
        return {
            "unknown": refused(self.projects.retrieve, "proj_none"),
            "unnamed": refused(self.projects.create, name=""),
            "scope": refused(
                self.projects.service_accounts.create,
                "proj_default",
                name="wide",
                extra_body={"scopes": ["admin"]},
            ),
            "misspelt": refused(
                self.projects.service_accounts.create,
                "proj_default",
                name="wide",
                extra_body={"scope": ["api.files.read"]},
            ),
            "default": refused(self.projects.archive, "proj_default"),
            "limit": refused(self.projects.list, limit=101),
        }


def visit():
    """Everything, until it raises in the visit's beginning."""
    here, seen = Visit(), {"version": openai.__version__}
    for name in [name for name in vars(Visit) if name.startswith("step_")]:
        try:
            seen[name.removeprefix("step_")] = getattr(here, name)()
        except Exception:
            seen[name.removeprefix("step_")] = {"raised": traceback.format_exc()}
    return seen


print(json.dumps(visit()))
