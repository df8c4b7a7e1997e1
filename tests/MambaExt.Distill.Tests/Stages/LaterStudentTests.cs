using MambaExt.Distill.Stages;
using MambaExt.Distill.Students;
using MambaExt.Distill.Tests.Support;
using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Tests.Stages;

/// <summary>Students 2 and 3 do what their mode is about. The refit would hide one that does not: it weighs it with nothing.</summary>
public sealed class LaterStudentTests
{
    private static readonly TrainingOptions Quick = new() { epochs = 12, patience = 0, learning_rate = 0.02, weight_decay = 0.01, schedule = "cosine", validate_every = 12 };

    [Fact]
    public void Each_student_of_a_residual_ladder_brings_the_sum_nearer_to_the_teacher()
    {
        using DisposeScope scope = NewDisposeScope();
        var images = new Pictures(320);
        using var teacher = new ModuleTeacher(images.Trained("4x12x4x1"), Pictures.Kinds, owns: true);
        using Progression students = Trained(images, teacher, "residual");
        for (int draw = 0; draw < images.Draws; draw++)
        {
            Tensor target = teacher.Whole(images, draw);
            double before = target.square().mean().ToDouble();
            Tensor sum = zeros_like(target);
            foreach (Tensor own in Own(students, images, draw))
            {
                sum += own;
                double error = (target - sum).square().mean().ToDouble();
                Assert.True(error < 0.9 * before, $"draw {draw}: {before} to {error}");
                before = error;
            }
        }
    }

    [Fact]
    public void Students_of_a_boosted_ladder_meet_the_weak_learning_condition_in_most_classes()
    {
        using DisposeScope scope = NewDisposeScope();
        var images = new Pictures(200, draws: 1);
        using var teacher = new ModuleTeacher(images.Trained("4x12x4x1"), Pictures.Kinds, owns: true);
        using Progression students = Trained(images, teacher, "boosted", 40);
        double clip = new DistillOptions().clip_logits, eta = BoostWeights.Eta(images.Count, 3, 2 * clip);
        Tensor target = teacher.Whole(images, 0).clamp(-clip, clip), total = zeros_like(target);
        Tensor[] own = [.. Own(students, images, 0).Select(s => s.clamp(-clip, clip))];
        for (int t = 2; t <= 3; t++)
        {
            total += own[t - 2];

            // m_j = sum_i W_ij (s - g)_ij of all training images.
            double[] margins = [.. (BoostWeights.Of(target, total / (t - 1), eta, t - 1) * (own[t - 1] - target)).sum(0L).data<float>().ToArray().Select(m => (double)m)];
            Assert.True(margins.Count(m => m > 0) >= Pictures.Kinds - 1, $"student {t}: {string.Join(' ', margins)}");
        }
    }

    [Fact]
    public void The_scales_of_a_prefix_move_at_the_rate_of_the_weights_and_do_not_decay()
    {
        using DisposeScope scope = NewDisposeScope();
        var images = new Pictures(64, draws: 1);
        HeldOut heldOut = new Pictures(20, seed: 2).Plain();
        using var teacher = new ModuleTeacher(images.Trained("4x8x2x1", 2), Pictures.Kinds, owns: true);

        // One step of Adam moves every number by the rate, whatever its gradient is; decay would take a twentieth of it. b is trained by its logarithm.
        const double Rate = 1e-3, Decay = 50;
        var one = new TrainingOptions { epochs = 1, patience = 0, learning_rate = Rate, weight_decay = Decay };
        using var students = new Progression(images, heldOut, teacher, new DistillOptions { batch_size = 64, training = one }, 2);
        for (int t = 1; t <= 2; t++)
        {
            manual_seed(t);
            using var fresh = new PatchMamba(Pictures.Like.WithSize("4x4x2x1"));
            TrainedStudent student = students.Train(Pictures.Like.WithSize("4x4x2x1"), t, false).Student;
            Assert.Equal(Rate, Math.Abs(Math.Log(student.StudentScale / 0.5)), 1e-5);
            if (t == 2)
            {
                Assert.Equal(Rate, Math.Abs(student.PrefixScale - 1), 1e-5);
            }

            Tensor before = fresh.get_parameter("head.weight")!, after = student.Model.get_parameter("head.weight")!;
            Assert.Equal(Rate, (after - (before * (1 - (Rate * Decay)))).abs().max().ToDouble(), 1e-5);
            students.Add(students.Restore(student, new TrainingOutcome(1, 1, 1, null, 0)));
        }
    }

    [Fact]
    public void The_scale_of_a_student_stays_above_0_and_falls_by_no_more_than_a_factor_a_step()
    {
        using DisposeScope scope = NewDisposeScope();
        var images = new Pictures(64, draws: 1);
        using var teacher = new ModuleTeacher(images.Trained("4x8x2x1", 2), Pictures.Kinds, owns: true);

        // A step of 0.6 from 0.5 would end at -0.1.
        const double Rate = 0.6;
        var one = new TrainingOptions { epochs = 1, patience = 0, learning_rate = Rate, weight_decay = 0 };
        using var students = new Progression(images, new Pictures(20, seed: 2).Plain(), teacher, new DistillOptions { batch_size = 64, training = one }, 1);
        double[] scales = [.. Enumerable.Range(1, 6).Select(seed => Scale(seed))];
        Assert.All(scales, b => Assert.Equal(Rate, Math.Abs(Math.Log(b / 0.5)), 1e-4));
        Assert.Contains(scales, b => b < 0.5);

        double Scale(int seed)
        {
            StageResult stage = students.Train(Pictures.Like.WithSize("4x4x2x1"), seed, false);
            using PatchMamba model = stage.Student.Model;
            return stage.Student.StudentScale;
        }
    }

    [Theory]
    [InlineData("joint", true)]
    [InlineData("independent", true)]
    [InlineData("residual", false)]
    public void The_epoch_of_a_student_is_chosen_by_its_own_answer_where_it_has_one(string mode, bool alone)
    {
        using DisposeScope scope = NewDisposeScope();
        var images = new Pictures(320, draws: 1);
        HeldOut heldOut = new Pictures(60, seed: 2).Plain();
        using var teacher = new ModuleTeacher(images.Trained("4x8x2x1", 4), Pictures.Kinds, owns: true);
        using var students = new Progression(images, heldOut, teacher, new DistillOptions { mode = mode, batch_size = 40, training = Quick with { epochs = 8, validate_every = 1 } }, 2);
        students.Add(students.Train(Pictures.Like.WithSize("4x12x4x1"), 1, false));
        StageResult second = students.Train(Pictures.Like.WithSize("4x4x2x1"), 2, false);
        using PatchMamba model = second.Student.Model;
        float[] first = heldOut.Logits(x => students.Students[0].Logits(x, null));
        float[] both = mode == "residual" ? [.. first.Zip(second.HeldOutLogits, (a, b) => a + b)] : [];
        Assert.Equal(Scores.Of(alone ? second.HeldOutLogits : both, heldOut.Labels).accuracy, 100 * second.Outcome.Best!.Value.Score, 1e-9);
        Assert.NotEqual(Scores.Of(alone ? first : second.HeldOutLogits, heldOut.Labels).accuracy, 100 * second.Outcome.Best!.Value.Score, 1e-9);
    }

    private static Progression Trained(Pictures images, ModuleTeacher teacher, string mode, int epochs = 12)
    {
        var students = new Progression(images, new Pictures(120, seed: 2).Plain(), teacher, new DistillOptions { mode = mode, batch_size = 40, training = Quick with { epochs = epochs, validate_every = epochs } }, 3);
        foreach (string size in new[] { "4x4x2x1", "4x6x2x1", "4x8x2x1" })
        {
            students.Add(students.Train(Pictures.Like.WithSize(size), 5, false));
        }

        return students;
    }

    private static IEnumerable<Tensor> Own(Progression students, Pictures images, int draw)
    {
        Tensor all = images.Read(Enumerable.Range(0, images.Count).ToArray(), draw);
        return students.Students.Select((student, u) => student.Logits(all, u > 0 ? students.Students[u - 1] : null));
    }
}
