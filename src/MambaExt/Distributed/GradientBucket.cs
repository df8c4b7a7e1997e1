using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distributed;

/// <summary>Neighbouring parameters whose gradients travel as one flat tensor.</summary>
internal sealed class GradientBucket : IDisposable
{
    private readonly Tensor _memory;
    private readonly int[] _members;
    private readonly long _elements;

    private GradientBucket(Tensor memory, int[] members, long elements)
    {
        _memory = memory;
        _members = members;
        _elements = elements;
    }

    /// <summary>Cuts the parameters, in their order, into buckets of one type and device. Buckets are exchanged one after another, so
    /// those of a type and device share the memory of the largest.</summary>
    public static GradientBucket[] Cut(Tensor[] parameters, long mostBytes)
    {
        var buckets = new List<GradientBucket>();
        foreach (var group in Enumerable.Range(0, parameters.Length).GroupBy(i => (parameters[i].dtype, Device: parameters[i].device.ToString())))
        {
            var cuts = new List<(List<int> Members, long Elements)>();
            long most = Math.Max(1, mostBytes / parameters[group.First()].ElementSize);
            foreach (int i in group)
            {
                long count = parameters[i].numel();
                if (cuts.Count == 0 || cuts[^1].Elements + count > most)
                {
                    cuts.Add(([], 0));
                }

                cuts[^1].Members.Add(i);
                cuts[^1] = cuts[^1] with { Elements = cuts[^1].Elements + count };
            }

            Tensor memory = empty(cuts.Max(c => c.Elements), group.Key.dtype, parameters[group.First()].device).DetachFromDisposeScope();
            buckets.AddRange(cuts.Select(c => new GradientBucket(memory, [.. c.Members], c.Elements)));
        }

        return [.. buckets];
    }

    /// <summary>Replaces the members' gradients by the sum of <paramref name="scale"/> times theirs over the ranks.</summary>
    /// <param name="parameters">All parameters</param>
    /// <param name="gradients">Their gradients on this rank</param>
    /// <param name="scale">The factor of this rank</param>
    /// <param name="communicator">The ranks</param>
    /// <param name="exists">Whether some rank has the gradient of a parameter</param>
    public void Exchange(Tensor[] parameters, Tensor?[] gradients, double scale, ICommunicator communicator, Func<int, bool> exists)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor flat = _memory.narrow(0, 0, _elements);
        var parts = new Tensor[_members.Length];
        long at = 0;
        for (int k = 0; k < _members.Length; at += parts[k].numel(), k++)
        {
            Tensor parameter = parameters[_members[k]];
            parts[k] = flat.narrow(0, at, parameter.numel()).view(parameter.shape);
            if (gradients[_members[k]] is { } gradient)
            {
                parts[k].copy_(gradient);
            }
            else
            {
                parts[k].zero_();
            }
        }

        flat.mul_(scale);
        communicator.AllReduceSum(flat);
        foreach ((int member, Tensor part) in _members.Zip(parts))
        {
            if (parameters[member].grad is { } gradient)
            {
                gradient.copy_(part);
            }
            else if (exists(member))
            {
                parameters[member].grad = part.clone();
            }
        }
    }

    /// <summary>Frees the memory, which several buckets may share.</summary>
    public void Dispose() => _memory.Dispose();
}
