using static TorchSharp.torch;

namespace MambaExt.Distill.Losses;

/// <summary>A loss of one batch: a scalar, differentiable in everything that the student made. One class a method, with its formula and source.</summary>
/// <param name="name">As configurations and logs call it</param>
public abstract class DistillationLoss(string name)
{
    /// <summary>As configurations and logs call it.</summary>
    public string Name { get; } = name;

    /// <summary>Trained beside the student and thrown away after it, a regressor say; null for none.</summary>
    public virtual nn.Module? Adapter => null;

    /// <summary>The loss, the mean over the batch.</summary>
    public abstract Tensor Of(LossInputs inputs);

    /// <summary>The same numbers in another form; told apart from others by a sentence where the sizes differ.</summary>
    /// <exception cref="ArgumentException">Student and teacher have different class counts.</exception>
    protected Tensor SameClasses(Tensor student, Tensor teacher)
    {
        if (student.shape[1] != teacher.shape[1])
        {
            throw new ArgumentException($"The student has {student.shape[1]} classes and the teacher {teacher.shape[1]}, and the loss {Name} compares them class by class; take a teacher of the same classes, or a loss of features.");
        }

        return teacher;
    }
}
