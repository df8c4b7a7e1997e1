using MambaExt.Distill.Accounting;
using MambaExt.Distill.Inference;
using MambaExt.Distill.Stages;
using MambaExt.Distill.Students;
using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Training;

/// <summary>Reads the test images, once, and asks everything of them that a seed wants to know.</summary>
internal sealed class SeedEvaluation(DistillTask task, SeedState state)
{
    /// <summary>Mean FLOPs that early exit is calibrated for, as shares of the whole group's.</summary>
    private static readonly double[] ExitTargets = [0.05, 0.1, 0.2, 0.4, 0.7];

    /// <summary>Evaluates, and offers the group as the run's model.</summary>
    public DistillPart Run(ITrainingHost host)
    {
        IReadOnlyList<TrainedStudent> students = state.Students.Students;
        int count = students.Count;
        using StudentGroup group = Group(students, null);
        float[][] heldPrefixes = Prefixes(Together([.. Solo(students)], task.HeldOut));
        using (StudentGroup saved = Group(students, [.. Enumerable.Repeat(Calibrate(heldPrefixes, task.Recipe.exit_share ?? DistillRecipe.DefaultExitShare, group).theta, count)]))
        {
            foreach (var (name, content) in GroupFolder.Files(saved, task.Data.ClassNames))
            {
                host.Attach($"models/group/{name}", content);
            }
        }

        // The one pass over the test images: every model sees each batch.
        PatchMamba?[] without = [.. Enumerable.Range(1, count).Select(state.WithoutTeacher)];
        PatchMamba? single = state.Single;
        List<Func<Tensor, Tensor>> models = [state.Teacher.Of, .. Solo(students)];
        models.AddRange(without.OfType<PatchMamba>().Select(m => (Func<Tensor, Tensor>)m.forward));
        if (single is not null)
        {
            models.Add(single.forward);
        }

        float[][] all = Together(models, task.Test);
        int[] labels = task.Test.Labels;
        float[] teacher = all[0];
        float[][] solo = all[1..(count + 1)], prefixes = Prefixes(solo);
        int next = count + 1;
        Scores?[] alone = [.. without.Select(m => m is null ? null : Scores.Of(all[next++], labels, teacher))];
        IReadOnlyList<float[]> own = Own(solo, students);
        long parameters = 0;
        var rows = new List<PrefixEvaluation>();
        for (int t = 1; t <= count; t++)
        {
            PatchMambaOptions options = students[t - 1].Model.Options;
            long work = FlopCount.Total(options).flops;
            if (options.reuse > 0)
            {
                // Alone it still needs the feature of the one before, whose heads it does not.
                work += FlopCount.Layers(students[t - 2].Model.Options).Where(layer => layer.name is not ("head" or "dist_head")).Sum(layer => layer.flops);
            }

            parameters += students[t - 1].Model.ParameterCount;
            rows.Add(new PrefixEvaluation(
                t, options.Size, Scores.Of(prefixes[t - 1], labels, teacher), Scores.Of(own[t - 1], labels, teacher), Scores.Of(solo[t - 1], labels, teacher), alone[t - 1],
                state.Students.Weights[t - 1][t - 1], group.Flops[t - 1], parameters, work));
        }

        ExitPoint[] exits = [.. ExitTargets.Where(share => share * group.Flops[^1] >= group.Flops[0]).Select(share =>
            EarlyExit.Curve(prefixes, labels, group.Flops, [Calibrate(heldPrefixes, share, group).theta])[0])];
        return new DistillPart
        {
            trained = true, kept = true, held_out = Scores.Of(heldPrefixes[^1], task.HeldOut.Labels),
            evaluation = new Evaluation
            {
                teacher = Scores.Of(teacher, labels), prefixes = rows, single = single is null ? null : Scores.Of(all[^1], labels, teacher),
                right_then_wrong = EarlyExit.RightThenWrong(prefixes, labels), early_exit = exits,
            },
        };
    }

    private StudentGroup Group(IReadOnlyList<TrainedStudent> students, IReadOnlyList<double>? thresholds)
    {
        var about = new GroupDescription(
            GroupDescription.Kind, task.Data.Name, task.Data.Variant.ToString().ToLowerInvariant(), task.Recipe.distill.mode, [.. students.Select(s => s.Model.Options)],
            [.. state.Students.Weights.Select(row => (IReadOnlyList<double>)[.. row])], [.. task.Normalization.Mean], [.. task.Normalization.Deviation], thresholds, task.Recipe.TeacherFlops);
        var group = new StudentGroup(about);
        group.CopyFrom([.. students.Select(s => s.Model)]);
        return group;
    }

    private static IEnumerable<Func<Tensor, Tensor>> Solo(IReadOnlyList<TrainedStudent> students) =>
        Enumerable.Range(0, students.Count).Select(u => (Func<Tensor, Tensor>)(x => students[u].Logits(x, u > 0 ? students[u - 1] : null)));

    /// <summary>What several models say of the same images, each [M, K], every image read once.</summary>
    private static float[][] Together(IReadOnlyList<Func<Tensor, Tensor>> models, HeldOut images)
    {
        float[] joined = images.Logits(x => stack([.. models.Select(m => m(x))], 1));                 // [M, models, K]
        int classes = joined.Length / images.Count / models.Count;
        var apart = new float[models.Count][];
        for (int m = 0; m < models.Count; m++)
        {
            apart[m] = new float[images.Count * classes];
            for (int i = 0; i < images.Count; i++)
            {
                joined.AsSpan(((i * models.Count) + m) * classes, classes).CopyTo(apart[m].AsSpan(i * classes));
            }
        }

        return apart;
    }

    /// <summary>Every prefix with the refitted weights.</summary>
    private float[][] Prefixes(float[][] solo) => [.. state.Students.Weights.Select((row, t) => Progression.Mixture(solo[..(t + 1)], row))];

    /// <summary>Every prefix as the mode combines it.</summary>
    private List<float[]> Own(float[][] solo, IReadOnlyList<TrainedStudent> students)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        Tensor? prefix = null;
        var all = new List<float[]>();
        for (int t = 1; t <= students.Count; t++)
        {
            prefix = state.Students.Mode.Combine(prefix, tensor(solo[t - 1]).view(task.Test.Count, -1), t, students[t - 1].Scales());
            all.Add(prefix.contiguous().data<float>().ToArray());
        }

        return all;
    }

    private ExitPoint Calibrate(float[][] prefixes, double share, StudentGroup group) =>
        EarlyExit.Calibrate(prefixes, task.HeldOut.Labels, group.Flops, Math.Max(share * group.Flops[^1], group.Flops[0]));
}
