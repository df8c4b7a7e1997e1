using System.Globalization;
using MambaExt.Distill.Accounting;

namespace MambaExt.Distill.Students;

/// <summary>Ladders of students: given by their sizes, or found for shares of a teacher's FLOPs.</summary>
public static class StudentLadder
{
    /// <summary>Widths, states and layers that a search tries.</summary>
    private static readonly int[] States = [4, 8, 16], Layers = [1, 2, 3, 4];

    /// <summary>A student is found where its FLOPs are within this share of the target, and not above it.</summary>
    public const double Near = 0.85;

    /// <summary>The students of these sizes.</summary>
    /// <param name="like">What an image is and what the students share</param>
    /// <param name="sizes">14x12x8x1, ...</param>
    public static IReadOnlyList<PatchMambaOptions> Of(PatchMambaOptions like, params IEnumerable<string> sizes)
    {
        PatchMambaOptions[] ladder = [.. sizes.Select(like.WithSize)];
        foreach (PatchMambaOptions student in ladder)
        {
            student.Validate();
        }

        return ladder.Length > 0 ? ladder : throw new ArgumentException("The ladder has no student; give one or several sizes.");
    }

    /// <summary>The student with the most parameters among those that cost at most <paramref name="flops"/> and not much less. Few large patches
    /// are cheap in FLOPs and not in weights: for small budgets they learn best, so a student of less than a twelfth of the teacher takes them if it can.</summary>
    /// <param name="teacher">Image, classes, scan, and the budget's scale</param>
    /// <param name="flops">Most operations an image</param>
    /// <param name="of">What a refusal calls 100 %, where the teacher itself is another model; default <paramref name="teacher"/></param>
    /// <exception cref="ArgumentException">No student costs that little.</exception>
    public static PatchMambaOptions ForTarget(PatchMambaOptions teacher, long flops, (string Name, long Flops)? of = null)
    {
        long whole = FlopCount.Total(teacher).flops;
        PatchMambaOptions[] all = [.. Candidates(teacher)];
        (PatchMambaOptions Options, LayerCost Cost)[] fitting = [.. all.Select(o => (o, FlopCount.Total(o))).Where(c => c.Item2.flops <= flops)];
        if (fitting.Length == 0)
        {
            if (all.Length == 0)
            {
                throw new ArgumentException($"No patch of 2 pixels or more cuts {teacher.height} x {teacher.width} into 4 to 256 equal pieces, so no student can be found for a share of FLOPs; bring the images to another size (image_size), or give the students' sizes.");
            }

            (string name, long hundred) = of ?? (teacher.Size, whole);
            LayerCost least = all.Select(FlopCount.Total).MinBy(c => c.flops);
            throw new ArgumentException(string.Create(
                CultureInfo.InvariantCulture,
                $"No student costs at most {flops:n0} FLOPs an image ({100.0 * flops / hundred:0.###} % of {name}): the smallest of the search, {least.name}, costs {least.flops:n0}; give a larger target or the student's sizes."));
        }

        var near = fitting.Where(c => c.Cost.flops >= Near * flops).ToArray();
        near = near.Length > 0 ? near : [.. fitting.OrderByDescending(c => c.Cost.flops).Take(8)];
        bool small = flops * 12 < whole;
        int tokens = small ? near.Min(c => c.Options.Tokens) : teacher.Tokens;
        var best = near.Where(c => c.Options.Tokens == tokens).ToArray();
        return (best.Length > 0 ? best : near).OrderByDescending(c => c.Cost.parameters).ThenBy(c => c.Cost.flops).First().Options;
    }

    /// <summary>A ladder of shares of the teacher's FLOPs, smallest first.</summary>
    /// <param name="teacher">Image, classes, scan, and the budget's scale</param>
    /// <param name="shares">0.01 for one percent, ...</param>
    public static IReadOnlyList<PatchMambaOptions> ForTarget(PatchMambaOptions teacher, params IEnumerable<double> shares)
    {
        long whole = FlopCount.Total(teacher).flops;
        return [.. shares.Select(share => share is > 0 and <= 1
            ? ForTarget(teacher, (long)(share * whole))
            : throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"A student was asked for with {share} of the teacher's FLOPs; give shares above 0 and at most 1.")))];
    }

    /// <summary>The teacher with another width: the widest of an even d_model that costs at most <paramref name="flops"/>; null where even 2 costs more.</summary>
    /// <param name="teacher">Whose patches, states, layers and scan are kept</param>
    /// <param name="flops">Most operations an image</param>
    public static PatchMambaOptions? Narrowed(PatchMambaOptions teacher, long flops)
    {
        PatchMambaOptions? widest = null;
        for (int width = 2; width <= 1 << 12; width += 2)
        {
            PatchMambaOptions next = teacher with { d_model = width, reuse = 0, distillation_head = false };
            if (FlopCount.Total(next).flops > flops)
            {
                break;
            }

            widest = next;
        }

        return widest;
    }

    private static IEnumerable<PatchMambaOptions> Candidates(PatchMambaOptions teacher)
    {
        int side = Math.Min(teacher.height, teacher.width);
        return from patch in Enumerable.Range(Math.Max(2, teacher.stem_stride), Math.Max(0, side / 2 - 1))
               where teacher.height % patch == 0 && teacher.width % patch == 0 && patch % teacher.stem_stride == 0
               let tokens = teacher.height / patch * (teacher.width / patch)
               where tokens is >= 4 and <= 256
               from width in Enumerable.Range(1, 64).Select(i => 4 * i)
               from state in States
               from layers in Layers
               select teacher with { patch = patch, d_model = width, d_state = state, blocks = layers, reuse = 0, distillation_head = false };
    }
}
