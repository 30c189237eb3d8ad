-- Additive. What a server of each image takes in the provider: {image: {"cores": n, "ramMib": n}}.
alter table provider_status add column sizes jsonb;
