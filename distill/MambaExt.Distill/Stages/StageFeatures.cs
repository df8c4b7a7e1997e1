using MambaExt.Distill.Losses;
using MambaExt.Distill.Students;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Stages;

/// <summary>Features of student and teacher while a stage is trained. The teacher runs on every batch: features are too large to be kept.</summary>
internal sealed class StageFeatures : IDisposable
{
    private readonly FeatureTaps _student, _teacher;
    private readonly ITeacher _owner;
    private readonly IReadOnlyList<LossTerm> _terms;

    public StageFeatures(PatchMamba student, ITeacher teacher, IReadOnlyList<LossTerm> terms)
    {
        (_owner, _terms) = (teacher, terms);
        _student = new FeatureTaps(student, terms.Select(t => t.student_path!));
        _teacher = new FeatureTaps(Module(teacher), terms.Select(t => t.teacher_path!));
    }

    /// <summary>Shapes of what each loss compares, from one image.</summary>
    public static Dictionary<string, (long[] Student, long[] Teacher)> Probe(PatchMamba student, ITeacher? teacher, IReadOnlyList<LossTerm> terms, DrawnImages images)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        using var features = new StageFeatures(student, teacher ?? throw new ArgumentException("A loss of features compares with a teacher and there is none; give one."), terms);
        Tensor one = images.Read(new[] { 0 }, 0);
        features.Before(one);
        student.Features(one);
        return features.After().ToDictionary(f => f.Key, f => (f.Value.Student.shape, f.Value.Teacher.shape));
    }

    /// <summary>Runs the teacher; before the student's pass.</summary>
    public void Before(Tensor images)
    {
        _student.Clear();
        using IDisposable _ = no_grad();
        nn.Module<Tensor, Tensor> teacher = Module(_owner);
        if (teacher.training)
        {
            teacher.eval();
        }

        using Tensor logits = teacher.call(images);
    }

    /// <summary>What was heard of both.</summary>
    public IReadOnlyDictionary<string, FeaturePair> After() =>
        _terms.ToDictionary(t => t.Label, t => new FeaturePair(_student[t.student_path!], _teacher[t.teacher_path!]));

    public void Dispose()
    {
        _student.Dispose();
        _teacher.Dispose();
    }

    private static nn.Module<Tensor, Tensor> Module(ITeacher teacher) =>
        teacher.Module ?? throw new ArgumentException("A loss of features looks into the teacher's module and this teacher has only logits; give the module, or losses of logits.");
}
