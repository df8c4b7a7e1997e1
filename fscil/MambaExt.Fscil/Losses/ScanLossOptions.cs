namespace MambaExt.Fscil.Losses;

/// <summary>The class-sensitive selective-scan losses of Mamba-FSCIL (Li et al., arXiv 2407.06136): weights and form. A weight of 0 turns a term off.</summary>
public sealed record ScanLossOptions
{
    /// <summary>Suppression of the gate on base classes.</summary>
    public double suppress_base { get; init; } = 100;

    /// <summary>Reward for the gate on novel classes.</summary>
    public double suppress_novel { get; init; }

    /// <summary>Separation of the scan's delta, B and C between base and novel classes.</summary>
    public double separate { get; init; } = 0.5;

    /// <summary>The same of the base branch, where later sessions do not freeze it.</summary>
    public double separate_base { get; init; }

    /// <summary>published: the norm over the whole batch divided by its number of elements, as the released code has it, which falls as the batch grows; per_sample:
    /// the mean over samples of each one's root mean square, which does not depend on the batch size.</summary>
    public string form { get; init; } = "published";

    /// <summary>A clause for each value that is out of range.</summary>
    internal IEnumerable<string> Problems()
    {
        foreach (var (name, value) in new[] { (nameof(suppress_base), suppress_base), (nameof(suppress_novel), suppress_novel), (nameof(separate), separate), (nameof(separate_base), separate_base) })
        {
            if (!(value >= 0 && double.IsFinite(value)))
            {
                yield return FormattableString.Invariant($"{name} is {value}; give 0 (off) or more.");
            }
        }

        if (form is not ("published" or "per_sample"))
        {
            yield return $"form is '{form}'; give published or per_sample.";
        }
    }
}
