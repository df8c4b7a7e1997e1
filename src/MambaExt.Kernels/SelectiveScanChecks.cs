namespace MambaExt.Kernels;

/// <summary>What a selective scan needs wherever it runs; each throws one sentence for the first thing that is wrong.</summary>
internal static unsafe class SelectiveScanChecks
{
    /// <summary>Of the forward scan.</summary>
    /// <exception cref="ArgumentException">A size or pointer that cannot be right.</exception>
    public static void Require<T>(in SelectiveScanShape shape, in SelectiveScanInputs<T> inputs, in SelectiveScanOutputs<T> outputs)
        where T : unmanaged
    {
        Require(shape, inputs);
        if (shape.Stateless && outputs.LastState != null)
        {
            throw new ArgumentException("The scan is declared stateless and was given memory for the last state; leave out one of the two.");
        }

        if (outputs.Out == null && shape.Length > 0 && shape.Batch > 0)
        {
            throw new ArgumentException("The selective scan was given no memory for out; pass [B, L, D], or [B, L, D, N] for states.");
        }
    }

    /// <summary>Of the backward scan.</summary>
    /// <param name="shape">Sizes and switches</param>
    /// <param name="inputs">Addresses of what the forward scan read</param>
    /// <param name="checkpoints">There are those that this scan needs</param>
    /// <param name="gradients">Addresses of gradients</param>
    /// <exception cref="ArgumentException">A size or pointer that cannot be right.</exception>
    public static void Require<T>(in SelectiveScanShape shape, in SelectiveScanInputs<T> inputs, bool checkpoints, in SelectiveScanGradients<T> gradients)
        where T : unmanaged
    {
        Require(shape, inputs);
        if (shape.Stateless && (gradients.LastState != null || gradients.InitialState != null))
        {
            throw new ArgumentException("The scan is declared stateless and was given the gradient of a state; leave out one of the two.");
        }

        if (shape.Length > 0 && shape.Batch > 0 && (!checkpoints || gradients.Out == null))
        {
            throw new ArgumentException("The backward scan needs the gradient of out and the checkpoints that the forward scan left; one of them is null.");
        }
    }

    private static void Require<T>(in SelectiveScanShape shape, in SelectiveScanInputs<T> inputs)
        where T : unmanaged
    {
        shape.Validate();
        bool sequence = shape.Length > 0 && shape.Batch > 0;
        if (inputs.A == null || (sequence && (inputs.U == null || inputs.Delta == null || inputs.B == null)))
        {
            throw new ArgumentException("The selective scan needs u, delta, A and B; one of them is null.");
        }

        if (shape.Stateless && inputs.InitialState != null)
        {
            throw new ArgumentException("The scan is declared stateless and was given an initial state; leave out one of the two.");
        }

        if (shape.ReturnStates && (inputs.C != null || inputs.D != null || inputs.Z != null))
        {
            throw new ArgumentException("A scan that returns its states takes no C, D or z; leave them out, or ask for the output instead.");
        }

        if (!shape.ReturnStates && inputs.C == null && sequence)
        {
            throw new ArgumentException("The selective scan needs C; it is null. Ask for the states if they are the result.");
        }
    }
}
