-- Where a customer's messages arrive, when that is not the direct conversation of the customer and the account: in the one from which
-- the business wrote last. Both are named by their direct keys: `answers_to` of the customer on the account, `direct_key` of the other one.
CREATE TABLE answer_routes (
  tenant_id TEXT NOT NULL,
  answers_to TEXT NOT NULL,
  direct_key TEXT NOT NULL,
  PRIMARY KEY (tenant_id, answers_to)
) WITHOUT ROWID;
