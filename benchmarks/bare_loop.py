"""The fastest plain training loop we know how to write, with tensors in memory; it imports nothing of ours."""

import torch
from torch.nn.functional import cross_entropy

ADAM = {"lr": 1.2e-3, "beta1": 0.9, "beta2": 0.999, "weight_decay": 0.0, "eps": 1e-8, "amsgrad": False}
SGD = {"lr": 0.1, "momentum": 0.9, "weight_decay": 2e-4, "dampening": 0.0, "nesterov": True}


@torch.no_grad()
def bare_loop(net, x, y, x_val, y_val, masks, *, updates, batch, adam, bf16, every):
    torch.set_flush_denormal(True)
    image, curve, half = x.dim() == 4, [], torch.autocast("cpu", torch.bfloat16, enabled=bf16)
    if image:  # rows of pixels lie side by side: a batch is one copy, and its view is channels-last
        net, x = net.to(memory_format=torch.channels_last), x.permute(0, 2, 3, 1).contiguous()
    params = list(net.train().parameters())
    weights, count = [p for p in params if p.dim() > 1], torch.zeros(())
    masks = [torch.empty_like(w).copy_(m) for w, m in zip(weights, masks, strict=True)]
    first, second = [torch.zeros_like(p) for p in params], [torch.zeros_like(p) for p in params]
    rows = torch.cat([torch.randperm(len(y)) for _ in range(updates * batch // len(y) + 1)])
    for step in range(updates):
        chosen = rows[step * batch : (step + 1) * batch]
        xs, ys = x.index_select(0, chosen), y.index_select(0, chosen)
        with torch.enable_grad(), half:
            loss = cross_entropy(net(xs.permute(0, 3, 1, 2) if image else xs), ys)
        grads = torch.autograd.grad(loss, params)
        if adam:
            count += 1
            torch._fused_adam_(params, grads, first, second, [], [count] * len(params), maximize=False, **ADAM)
        else:
            torch._fused_sgd_(params, grads, first, is_first_step=step == 0, maximize=False, **SGD)
        torch._foreach_mul_(weights, masks)
        if every and (step + 1) % every == 0:
            with half:
                logits = torch.cat([net.eval()(part) for part in x_val.split(100)]).float()
            curve.append((cross_entropy(logits, y_val).item(), (logits.argmax(1) == y_val).float().mean().item()))
            net.train()
    return curve
