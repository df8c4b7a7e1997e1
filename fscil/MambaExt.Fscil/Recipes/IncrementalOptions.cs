using MambaExt.Fscil.Losses;

namespace MambaExt.Fscil.Recipes;

/// <summary>How a projector learns the classes of a session from the memory and the shots.</summary>
public sealed record IncrementalOptions
{
    /// <summary>Optimizer steps of session 1.</summary>
    public int iterations { get; init; } = 200;

    /// <summary>More of them in each later session.</summary>
    public int iterations_step { get; init; }

    /// <summary>Largest learning rate.</summary>
    public double learning_rate { get; init; } = 0.25;

    /// <summary>Momentum of SGD.</summary>
    public double momentum { get; init; } = 0.9;

    /// <summary>Weight decay.</summary>
    public double weight_decay { get; init; } = 5e-4;

    /// <summary>Maps a step, in all.</summary>
    public int batch_size { get; init; } = 64;

    /// <summary>Gradients are scaled down to this norm; 0 for never.</summary>
    public double clip { get; init; }

    /// <summary>How often a step's data hold the mean map of each base class, a number a session; the last one counts for those behind it.</summary>
    public int[] base_copies { get; init; } = [1];

    /// <summary>How often they hold the mean map of each novel class of earlier sessions.</summary>
    public int novel_copies { get; init; } = 1;

    /// <summary>Dot-regression that weights each class of a batch alike.</summary>
    public bool balanced { get; init; } = true;

    /// <summary>Probability that a batch's features are mixed with those of another order of it.</summary>
    public double feature_mixup { get; init; } = 0.5;

    /// <summary>What the base session has learned stays as it is.</summary>
    public bool freeze { get; init; } = true;

    /// <summary>Part of the learning rate for what the base session has learned, where it is not frozen.</summary>
    public double base_share { get; init; } = 0.2;

    /// <summary>The new branch begins with an output of exactly zero.</summary>
    public bool zero_start { get; init; } = true;

    /// <summary>Suppression and separation.</summary>
    public ScanLossOptions scan_losses { get; init; } = new();

    /// <summary>A clause for each value that is out of range.</summary>
    internal IEnumerable<string> Problems()
    {
        List<string> found = [.. scan_losses.Problems()];
        Need(iterations >= 1 && iterations_step >= 0, $"iterations and iterations_step are {iterations} and {iterations_step}; give 1 or more, and 0 or more");
        Need(!freeze || scan_losses.separate_base == 0, $"separate_base is {scan_losses.separate_base} and freeze keeps the base branch as it is; give 0, or freeze=false");
        Need(learning_rate > 0 && double.IsFinite(learning_rate), $"incremental learning_rate is {learning_rate}; give a number above 0");
        Need(momentum is >= 0 and < 1 && weight_decay >= 0 && clip >= 0, $"momentum, weight_decay and clip are {momentum}, {weight_decay} and {clip}; give 0 up to, not with, 1, and 0 or more");
        Need(batch_size >= 2, $"incremental batch_size is {batch_size}; give 2 or more");
        Need(base_copies.Length > 0 && base_copies.All(c => c is >= 0 and <= 1000) && novel_copies is >= 0 and <= 1000, $"base_copies and novel_copies must be 0 to 1000, at least one number");
        Need(feature_mixup is >= 0 and <= 1 && base_share is >= 0 and <= 1, $"feature_mixup and base_share are {feature_mixup} and {base_share}; give 0 to 1");
        return found;

        void Need(bool good, FormattableString text)
        {
            if (!good)
            {
                found.Add(FormattableString.Invariant(text) + ".");
            }
        }
    }

    /// <summary>Optimizer steps of a session, from 1.</summary>
    internal int Iterations(int session) => iterations + (iterations_step * (session - 1));

    /// <summary>
    /// What a pass over the data of a session holds, of which the first <paramref name="old"/> rows are the mean maps of the classes before and the others the maps
    /// of the shots: each shot once, each mean as often as its kind is copied.
    /// </summary>
    internal int[] Rows(int session, int baseClasses, int old, int shots) =>
    [
        .. Enumerable.Range(old, shots),
        .. Enumerable.Range(0, old).SelectMany(k => Enumerable.Repeat(k, k < baseClasses ? BaseCopies(session) : novel_copies)),
    ];

    /// <summary>Copies of the base means in a session, from 1.</summary>
    internal int BaseCopies(int session) => base_copies[Math.Min(session, base_copies.Length) - 1];
}
